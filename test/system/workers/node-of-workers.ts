// A node of several processes under test: its primary, the processes that it has started, and connections to
// it, each of which one of them has.
import { readFileSync } from "node:fs";
import { Agent } from "node:http";
import type { Socket } from "node:net";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { vi } from "vitest";
import { EventService } from "../../../gen/fleetkey/v1/event_service_pb.js";
import { KeyService } from "../../../gen/fleetkey/v1/key_service_pb.js";
import { ROOT_KEY } from "../../running-service.ts";
import type { Client } from "../client.ts";
import type { Processes, Run, ServiceRun, Settings } from "../process.ts";

const ANSWERS = /"pid":(\d+),[^\n]*"msg":"a worker answers calls"/g;

export class NodeOfWorkers {
  readonly service: ServiceRun;

  constructor(service: ServiceRun) {
    this.service = service;
  }

  get run(): Run {
    return this.service.run;
  }

  /** Of the workers that have answered calls so far, also of those that have ended. */
  get pids(): readonly number[] {
    return [...this.run.stderr.matchAll(ANSWERS)].map(([, pid]) => Number(pid));
  }

  /** Waits until so many workers have come to answer calls, in all. */
  async answering(count: number): Promise<readonly number[]> {
    await this.run.printed(new RegExp(`(${ANSWERS.source}[^]*){${count}}`));
    return this.pids;
  }

  /** Connections that are open, and whose calls all go over the same one. */
  async connect(count: number): Promise<readonly Connection[]> {
    const all = Array.from({ length: count }, () => new Connection(this.service.url));
    for (const connection of all) await connection.open();
    return all;
  }
}

export async function startWorkers(
  processes: Processes,
  settings: Settings,
  count = 2,
  options?: { readonly cwd: string },
): Promise<NodeOfWorkers> {
  const service = await processes.start({ ...settings, FLEETKEY_WORKERS: String(count) }, options);
  const node = new NodeOfWorkers(service);
  await node.answering(count);
  return node;
}

export class Connection {
  readonly client: Client;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  constructor(url: string, credential = ROOT_KEY) {
    const transport = createConnectTransport({
      baseUrl: url,
      httpVersion: "1.1",
      useBinaryFormat: false,
      nodeOptions: { agent: this.#agent },
      interceptors: [
        (next) => (request) => {
          request.header.set("authorization", `Bearer ${credential}`);
          return next(request);
        },
      ],
    });
    this.client = {
      keys: createClient(KeyService, transport),
      events: createClient(EventService, transport),
    };
  }

  /** By a call that asks nothing of the store. */
  async open(): Promise<void> {
    await this.client.keys.verify({ apiKey: "malformed" });
  }

  /** Between two calls: its number at this end, which another connection does not have. */
  get port(): number | undefined {
    const sockets: readonly Socket[] = Object.values(this.#agent.freeSockets).flatMap((free) => free ?? []);
    return sockets.find(({ destroyed }) => !destroyed)?.localPort;
  }
}

/** Stops a process, and waits until it is: the signal alone may still be on its way. */
export async function stopProcess(pid: number): Promise<void> {
  process.kill(pid, "SIGSTOP");
  await vi.waitFor(() => {
    const [, state] = /\) (\w) /.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
    if (state !== "T") throw new Error(`it is in state ${state}`);
  });
}

export function continueProcess(pid: number): void {
  process.kill(pid, "SIGCONT");
}
