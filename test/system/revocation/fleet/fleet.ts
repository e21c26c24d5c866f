// The nodes under test: processes of the real program on one MongoDB, each behind a proxy of its own that can
// be cut, stalled or made late, and each of which can be stopped, continued, killed and started again.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { KeyService } from "../../../../gen/fleetkey/v1/key_service_pb.js";
import { clientOf } from "../../client.ts";
import { type Exit, PROJECT, type Processes, type Run, type Settings } from "../../process.ts";
import type { TcpProxy } from "../../tcp-proxy.ts";
import { LagProxy } from "./lag-proxy.ts";

export const MAIN = join(PROJECT, "src/main.ts");

export type KeyClient = ReturnType<typeof clientOf>["keys"];

/** How much of the output of a node that has failed is told. */
const OUTPUT_LENGTH_MAX = 3_000;

/** How a node is reached while it runs. */
export interface Reach {
  /** With the root credential. */
  readonly keys: KeyClient;
  /** Without any. */
  readonly anonymous: KeyClient;
}

export interface NodeOptions {
  readonly index: number;
  readonly processes: Processes;
  readonly settings: Settings;
  readonly store: { readonly proxy: TcpProxy; readonly uri: string };
  /** Before the program's own file. */
  readonly nodeArguments: readonly string[];
  /** What must have been printed once it listens. */
  readonly prints: string;
}

export class FleetNode {
  readonly index: number;
  readonly proxy: TcpProxy;
  readonly lagProxy: LagProxy;
  readonly #options: NodeOptions;
  #run: Run | undefined;
  #reach: Reach | undefined;
  #isKilled = false;
  #trouble: string | undefined;

  private constructor(options: NodeOptions, lagProxy: LagProxy) {
    this.index = options.index;
    this.proxy = options.store.proxy;
    this.lagProxy = lagProxy;
    this.#options = options;
  }

  static async start(options: NodeOptions): Promise<FleetNode> {
    const node = new FleetNode(options, await LagProxy.inFrontOf(options.store.proxy.port));
    await node.restart();
    return node;
  }

  /** Undefined while it is down: its port may be another one's by then. */
  get reach(): Reach | undefined {
    return this.#reach;
  }

  /**
   * Stops all of its processes, or one of them, named by a fraction of their number. Gives what continues
   * them.
   */
  stop(fraction?: number): () => void {
    const { pid } = this.#running();
    const stopped = fraction === undefined ? -pid : processOf(pid, fraction);
    process.kill(stopped, "SIGSTOP");
    return () => {
      try {
        process.kill(stopped, "SIGCONT");
      } catch {
        // It was ended meanwhile.
      }
    };
  }

  async kill(): Promise<void> {
    this.#reach = undefined;
    this.#isKilled = true;
    const { run } = this.#running();
    run.killGroup();
    await run.end();
  }

  /** Resolves when it listens. */
  async restart(): Promise<void> {
    const { processes, settings, store, nodeArguments, prints } = this.#options;
    const uri = new URL(store.uri);
    uri.port = String(this.lagProxy.port);
    const run = processes.launch(
      { ...settings, FLEETKEY_STORE: uri.href },
      { cwd: processes.folder(), command: [process.execPath, ...nodeArguments, MAIN] },
    );
    const [, url = ""] = await run.printed(/ is listening on (\S+)\n/);
    if (!run.output.includes(prints)) throw new Error(`it has not printed ${prints}:\n${run.output}`);
    this.#run = run;
    this.#isKilled = false;
    this.#reach = { keys: clientOf(url).keys, anonymous: anonymousClientOf(url) };
    const ended = ({ code, signal }: Exit) => {
      if (this.#run === run && !this.#isKilled) this.#trouble = `has ended with ${code ?? signal}`;
    };
    run.exited.then(ended, () => {});
  }

  /** Fails when the process has ended by itself. */
  assertAlive(): void {
    if (this.#trouble === undefined) return;
    const output = this.#run?.output.slice(-OUTPUT_LENGTH_MAX);
    throw new Error(`node ${this.index} ${this.#trouble}:\n${output}`);
  }

  /** Before the processes are killed, so that their end counts as wanted. */
  close(): void {
    this.#isKilled = true;
    this.lagProxy.close();
  }

  #running(): { readonly run: Run; readonly pid: number } {
    const run = this.#run;
    if (run?.pid === undefined) throw new TypeError("the node was never started");
    return { run, pid: run.pid };
  }
}

function processOf(pid: number, fraction: number): number {
  const pids = [pid, ...childrenOf(pid)];
  return pids[Math.floor(fraction * pids.length)] ?? pid;
}

function childrenOf(pid: number): readonly number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return text.split(" ").flatMap((id) => (/^\d+$/.test(id) ? [Number(id)] : []));
}

function anonymousClientOf(url: string): KeyClient {
  const transport = createConnectTransport({ baseUrl: url, httpVersion: "1.1", useBinaryFormat: false });
  return createClient(KeyService, transport);
}
