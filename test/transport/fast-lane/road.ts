// A listener with the fast lane or without it, over a store of its own: two of them that are told the same in
// the same order are in the same state, so that their answers compare.
import { Writable } from "node:stream";
import { onTestFinished } from "vitest";
import { FailedAttempts } from "../../../src/access/failed-attempts.ts";
import { rootCredential } from "../../../src/access/root-credential.ts";
import { type Authentication, callerAuthentication } from "../../../src/app/callers/authenticate-caller.ts";
import type { AppPorts } from "../../../src/app/ports.ts";
import { readStored } from "../../../src/app/target/read-view.ts";
import { FeedNews } from "../../../src/cache/feed-news.ts";
import { HeldKeys } from "../../../src/cache/held-keys.ts";
import { Lease } from "../../../src/cache/lease.ts";
import { unavailable } from "../../../src/domain/errors.ts";
import type { Stopwatch } from "../../../src/lib/clock.ts";
import { createLog } from "../../../src/observability/log.ts";
import { storeUnavailable } from "../../../src/store/errors.ts";
import { MEMORY_PATH, openSqliteStore } from "../../../src/store/sqlite/sqlite-store.ts";
import { connectHandler } from "../../../src/transport/connect/connect-handler.ts";
import { requestGate } from "../../../src/transport/connect/gate.ts";
import { isStreamCall } from "../../../src/transport/connect/streams/stream-calls.ts";
import { withCors } from "../../../src/transport/cors.ts";
import { credentialAdmission } from "../../../src/transport/fast-lane/admission.ts";
import { fastLane } from "../../../src/transport/fast-lane/lane.ts";
import type { MakeFastLane } from "../../../src/transport/http.ts";
import type { ListenerLimits } from "../../../src/transport/listener/limits.ts";
import { listen } from "../../../src/transport/listener/server.ts";
import { plainHttp } from "../../../src/transport/plain-http.ts";
import { interceptedStore } from "../../app/intercepted-store.ts";
import { openWorld, type World } from "../../app/world.ts";
import { ROOT_KEY } from "../../running-service.ts";
import { stockOptions } from "../stock-options.ts";

export const CALLER_HEADER = "x-caller-key";
export const ORIGIN = "https://console.example.com";
export const BODY_BYTES_MAX = 4_096;

const LIMITS: ListenerLimits = {
  headerBytesMax: 16_384,
  streamsMax: 256,
  connectionsMax: 100,
  resetsPerSecondMax: 10_000,
  pingsPerSecondMax: 1_000,
  headersTimeoutMs: 10_000,
  bodyTimeoutMs: 10_000,
  idleTimeoutMs: 60_000,
};

export interface RoadOptions {
  readonly hasLane: boolean;
  readonly hasOrigins?: boolean;
  readonly failuresMax?: number;
  readonly leaseMs?: number;
  readonly limits?: Partial<ListenerLimits>;
}

export interface Road {
  readonly url: string;
  readonly world: World;
  /** The same as the world's, with a memory. */
  readonly ports: AppPorts;
  readonly authentication: Authentication;
  /** Calls that the lane took, and those of them that it handed over. */
  readonly counts: { taken: number; handedOver: number };
  /** Set what the store does with the next calls. */
  readonly store: { answers: "at once" | "never" | "unavailable"; release(): void };
  forgetAll(): void;
  readonly logged: () => string;
  stop(drainTimeoutMs?: number): Promise<void>;
}

export async function openRoad(options: RoadOptions): Promise<Road> {
  const gate = openGate();
  const store = interceptedStore(await openSqliteStore(MEMORY_PATH), gate.intercept);
  const world = await openWorld({ store });
  const { held, news, ports } = withMemory(world);
  const attempts = new FailedAttempts(options.failuresMax ?? 1_000_000);
  const authentication = callerAuthentication(ports, { isRoot: rootCredential([ROOT_KEY]), attempts });
  const { log, logged } = textLog();
  const counts = { taken: 0, handedOver: 0 };
  const limits = { ...LIMITS, ...options.limits };
  const leaseMs = options.leaseMs ?? 60_000;
  const stopping = new AbortController();
  const handler = connectHandler(ports, {
    ...stockOptions(ports),
    ...{ streams: { news, leaseMs, watchBlockedMsMax: 10_000 }, stopping: stopping.signal },
    ...{ log, authentication, streamIdleMsMax: limits.idleTimeoutMs, requestBytesMax: BODY_BYTES_MAX },
    gate: requestGate(authentication, [CALLER_HEADER]),
    fallback: plainHttp,
  });
  const corsOrigins = new Set(options.hasOrigins ? [ORIGIN] : []);
  const lane = fastLane({
    ...{ ports, log, hasOrigins: corsOrigins.size > 0 },
    admission: credentialAdmission({
      ...{ authentication, callerHeaders: [CALLER_HEADER] },
      certificateOf: () => undefined,
    }),
    limits: { ...limits, bodyBytesMax: BODY_BYTES_MAX, leaseMs },
  });
  const listener = await listen({
    ...{ address: { kind: "tcp", host: "127.0.0.1", port: 0 }, tls: undefined, limits },
    handler: withCors({ corsOrigins, callerHeaders: [CALLER_HEADER] }, handler),
    ...{ isStream: isStreamCall, onRefused: () => {} },
    fastLane: options.hasLane ? counted(lane, counts) : undefined,
  });
  const stop = (drainTimeoutMs = 0) => {
    stopping.abort(unavailable("this node is being stopped", "NODE_STOPPING"));
    return listener.stop(drainTimeoutMs);
  };
  onTestFinished(() => stop());
  const { url } = listener;
  const forgetAll = () => held.forgetAll();
  return { url, world, ports, authentication, counts, store: gate, forgetAll, logged, stop };
}

function withMemory(world: World) {
  const stopwatch: Stopwatch = { monotonic: () => performance.now(), wall: () => world.clock.now };
  const lease = new Lease(stopwatch, 1e9);
  lease.renew({ monotonic: stopwatch.monotonic(), wall: stopwatch.wall() });
  const held = new HeldKeys({
    ...{ entriesMax: 1_000, ageMsMax: 1e9, lease, stopwatch },
    readStored: (keyId) => readStored(world.store, keyId),
  });
  return { held, news: new FeedNews(lease), ports: { ...world.ports, views: held } };
}

/** What is between the use cases and the store. */
function openGate() {
  let waiting: (() => void)[] = [];
  const gate = {
    answers: "at once" as Road["store"]["answers"],
    release() {
      gate.answers = "at once";
      for (const wake of waiting) wake();
      waiting = [];
    },
    async intercept<Result>(call: () => Promise<Result>): Promise<Result> {
      if (gate.answers === "unavailable") throw storeUnavailable(new Error("the test says so"));
      if (gate.answers === "never") await new Promise<void>((resolve) => waiting.push(resolve));
      return call();
    },
  };
  return gate;
}

function textLog() {
  let text = "";
  const sink = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  return { log: createLog("debug", sink), logged: () => text };
}

function counted(make: MakeFastLane, counts: Road["counts"]): MakeFastLane {
  return (stock) => {
    const lane = make({
      ...stock,
      toStream(...stream) {
        counts.handedOver += 1;
        stock.toStream(...stream);
      },
      toRequest(...request) {
        counts.handedOver += 1;
        stock.toRequest(...request);
      },
    });
    const count = (isTaken: boolean) => {
      if (isTaken) counts.taken += 1;
      return isTaken;
    };
    return {
      openSession: (...session) => lane.openSession(...session),
      takeStream: (...stream) => count(lane.takeStream(...stream)),
      takeRequest: (...request) => count(lane.takeRequest(...request)),
    };
  };
}
