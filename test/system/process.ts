// Runs the real program as a child process with settings of the test's own, in a temporary folder. What was
// started is killed and what was made is removed after the test or the suite, also after one that failed.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";

export const PROJECT = join(import.meta.dirname, "../..");
const MAIN = join(PROJECT, "src/main.ts");
/** Half of a start is reading and compiling; children that share the result leave time for tests. */
const COMPILE_CACHE = join(PROJECT, "node_modules/.cache/fleetkey-test");
/** Long enough for a busy machine; a test that waits so long fails. */
const DEADLINE_MS = 20_000;

/** FLEETKEY_ variables for a child process. */
export type Settings = Readonly<Record<string, string>>;

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A child process, running or over. */
export class Run {
  readonly exited: Promise<Exit>;
  #child: ChildProcess;
  #stdout = "";
  #stderr = "";
  #onOutput: () => void = () => {};

  constructor(
    command: readonly [string, ...string[]],
    options: { readonly cwd: string; env: NodeJS.ProcessEnv },
  ) {
    const [file, ...args] = command;
    // A group of its own, so that what it has started itself can be killed with it.
    const child = spawn(file, args, { ...options, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.#stdout += text;
      this.#onOutput();
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
      this.#onOutput();
    });
    // "close" and not "exit": all output has been read by then.
    this.exited = new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, signal) => resolve({ code, signal }));
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Both, for tests of what must not be said anywhere. */
  get output(): string {
    return this.#stdout + this.#stderr;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Kills it and what it has started. */
  killGroup(): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // All of them are gone already.
    }
  }

  /** Waits until the output matches; fails when the process ends first or the deadline passes. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    const found = new Promise<RegExpExecArray>((resolve) => {
      this.#onOutput = () => {
        const match = pattern.exec(this.output);
        if (match !== null) resolve(match);
      };
      this.#onOutput();
    });
    const ended = this.exited.then(({ code }) => {
      throw new Error(`it ended with ${code} before it printed ${pattern}:\n${this.output}`);
    });
    ended.catch(() => {});
    return this.#within(Promise.race([found, ended]), `it has not printed ${pattern}`);
  }

  /** Waits for the end. */
  async end(): Promise<Exit> {
    return this.#within(this.exited, "it has not ended");
  }

  async #within<Value>(value: Promise<Value>, trouble: string): Promise<Value> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      const fail = () => reject(new Error(`${trouble} in time:\n${this.output}`));
      timer = setTimeout(fail, DEADLINE_MS);
    });
    return Promise.race([value, late]).finally(() => clearTimeout(timer));
  }
}

/** A process that answers calls. */
export interface ServiceRun {
  readonly run: Run;
  readonly url: string;
}

/** When to clean up. */
export type CleanUp = (work: () => Promise<void>) => void;

export interface Processes {
  /** A new folder, gone afterwards. */
  folder(): string;
  /** Starts the program, or another command, without waiting. */
  launch(
    settings: Settings,
    options: { readonly cwd: string; readonly command?: readonly [string, ...string[]] },
  ): Run;
  /** Starts the program and waits until it listens. */
  start(settings: Settings, options?: { readonly cwd: string }): Promise<ServiceRun>;
  /** Ends a process in good order and waits for it. */
  stop(service: ServiceRun): Promise<Exit>;
}

/** Call it at the top of a suite. `after` is afterEach, or afterAll for processes that its tests share. */
export function useProcesses(after: CleanUp = afterEach): Processes {
  const runs: Run[] = [];
  const folders: string[] = [];
  const folder = () => {
    const path = mkdtempSync(join(tmpdir(), "fleetkey-system-"));
    folders.push(path);
    return path;
  };
  const launch: Processes["launch"] = (settings, { cwd, command = [process.execPath, MAIN] }) => {
    const run = new Run(command, { cwd, env: { ...inheritedEnvironment(), ...settings } });
    runs.push(run);
    return run;
  };
  const killAll = () => {
    for (const run of runs) run.killGroup();
  };
  process.on("exit", killAll);
  after(async () => {
    killAll();
    await Promise.allSettled(runs.splice(0).map(({ exited }) => exited));
    for (const path of folders.splice(0)) rmSync(path, { recursive: true, force: true });
  });
  return {
    folder,
    launch,
    async start(settings, options = { cwd: folder() }) {
      const run = launch(settings, options);
      const [, url = ""] = await run.printed(/ is listening on (\S+)\n/);
      return { run, url };
    },
    async stop({ run }) {
      run.kill("SIGTERM");
      return run.end();
    },
  };
}

// Without settings of whoever runs the tests, and without what the test runner tells its own processes.
function inheritedEnvironment(): NodeJS.ProcessEnv {
  const own = /^(FLEETKEY_|VITEST|NODE_|TEST$|MODE$|npm_config_)/;
  const entries = Object.entries(process.env).filter(([name]) => !own.test(name));
  return { ...Object.fromEntries(entries), NODE_COMPILE_CACHE: COMPILE_CACHE };
}
