// Starts the programs of the bench as child processes, each on its core where `taskset` is there, and ends
// those that are left.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

export const SERVER_CORE = 0;
export const LOAD_CORE = 1;
const START_MS_MAX = 60_000;
const STOP_MS_MAX = 15_000;
const OUTPUT_KEPT = 20_000;
/** What Linux counts the time of processes in, as it tells it. */
const TICK_MS = 10;

const children = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});

/** What a tool prints as its version; undefined when it is not there. */
export function toolVersion(command: string): string | undefined {
  try {
    return execFileSync(command, ["--version"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
      .split("\n")[0]
      ?.trim();
  } catch {
    return undefined;
  }
}

export const isPinning = availableParallelism() > 1 && toolVersion("taskset") !== undefined;

export function pinned(core: number, command: readonly string[]): readonly string[] {
  return isPinning ? ["taskset", "-c", String(core), ...command] : command;
}

/** Gives what it prints on its standard output; rejects with all of its output when it fails. */
export async function runToEnd(
  command: readonly string[],
  input: string,
  options: { readonly cwd?: string } = {},
): Promise<string> {
  const [file = "", ...args] = command;
  const child = spawn(file, args, { ...options, stdio: "pipe" });
  children.add(child);
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  child.stdin.on("error", () => {}).end(input);
  const code = await new Promise((resolve, reject) => {
    child.once("error", reject).once("close", resolve);
  });
  children.delete(child);
  if (code === 0) return stdout;
  throw new Error(`${file === "taskset" ? args[2] : file} has ended with ${code}:\n${stderr}${stdout}`);
}

/** A server that runs. */
export class ServerProcess {
  readonly pid: number;
  #child: ChildProcess;
  #output = "";
  #onOutput: () => void = () => {};

  constructor(
    command: readonly string[],
    options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
  ) {
    const [file = "", ...args] = pinned(SERVER_CORE, command);
    const child = spawn(file, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    const take = (text: string) => {
      this.#output = (this.#output + text).slice(-OUTPUT_KEPT);
      this.#onOutput();
    };
    child.stdout.setEncoding("utf8").on("data", take);
    child.stderr.setEncoding("utf8").on("data", take);
    child.once("exit", () => {
      children.delete(child);
      this.#onOutput();
    });
    children.add(child);
    this.#child = child;
    this.pid = child.pid ?? 0;
  }

  /** Waits until its output matches. */
  printed(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const trouble = (what: string) =>
        reject(new Error(`a server ${what} before it said so:\n${this.#output}`));
      const timer = setTimeout(() => trouble("was waited for in vain"), START_MS_MAX);
      this.#onOutput = () => {
        const match = pattern.exec(this.#output);
        const hasEnded = this.#child.exitCode !== null || this.#child.signalCode !== null;
        if (match === null && !hasEnded) return;
        clearTimeout(timer);
        this.#onOutput = () => {};
        if (match === null) trouble("has ended");
        else resolve(match);
      };
      this.#onOutput();
    });
  }

  /** Forgets what it has printed. */
  clearOutput(): void {
    this.#output = "";
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** The memory that it holds, in bytes; not a number where the system does not tell. */
  residentBytes(): number {
    const [, kilobytes] = /^VmRSS:\s+(\d+) kB/m.exec(this.#read("status")) ?? [];
    return Number(kilobytes) * 1_024;
  }

  /** How long it has used a core so far; not a number where the system does not tell. */
  busyMs(): number {
    // Behind the name in parentheses: the state, ten fields, and the times in user and kernel mode.
    const fields = this.#read("stat").split(") ")[1]?.split(" ") ?? [];
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  }

  #read(file: string): string {
    try {
      return readFileSync(`/proc/${this.pid}/${file}`, "utf8");
    } catch {
      return "";
    }
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = new Promise((resolve) => this.#child.once("exit", resolve));
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), STOP_MS_MAX);
    this.#child.kill("SIGTERM");
    await exited;
    clearTimeout(timer);
  }
}
