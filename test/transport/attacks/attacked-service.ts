// A process that is attacked while others call it: they get all their answers, and its memory stays bounded.
import { execFileSync } from "node:child_process";
import { expect } from "vitest";
import { ROOT_KEY } from "../../running-service.ts";
import type { Processes, ServiceRun } from "../../system/process.ts";
import { envelope, grpcHeaders } from "../wire/grpc.ts";
import { openHttp1 } from "../wire/http1.ts";
import { openHttp2 } from "../wire/http2.ts";
import type { Certificate } from "../wire/self-signed.ts";

export const VERIFY = "/fleetkey.v1.KeyService/Verify";
export const CREDENTIAL = { authorization: `Bearer ${ROOT_KEY}` };
export const JSON_TYPE = { "content-type": "application/json" };

/** Ordinary answers take milliseconds; this is for busy machines. */
const ANSWER_MS_MAX = 5_000;
/** Each of the others calls at least so often during an attack, and after it. */
const CALLS_MIN = 20;
/**
 * What an attack may cost, far below what it sends or could make the server keep. The garbage of the others'
 * calls alone comes to half of it before it is collected.
 */
const GROWTH_BYTES_MAX = 256 * 1_048_576;

export interface AttackedService {
  readonly url: string;
  /** To be trusted by clients; undefined in clear text. */
  readonly ca: string | undefined;
  readonly service: ServiceRun;
}

export async function startAttacked(
  processes: Processes,
  settings: Readonly<Record<string, string>> = {},
  certificate?: Certificate,
): Promise<AttackedService> {
  const service = await processes.start({
    FLEETKEY_LISTEN: "127.0.0.1:0",
    FLEETKEY_STORE: "sqlite::memory:",
    FLEETKEY_ROOT_KEY: ROOT_KEY,
    ...certificate?.settings,
    ...settings,
  });
  return { url: service.url, ca: certificate?.pem, service };
}

/** Runs the attack; fails when somebody else is not answered in time, or when memory grows out of bounds. */
export async function attackBesideOthers(
  { url, ca, service }: AttackedService,
  attack: () => Promise<void>,
): Promise<void> {
  const before = residentBytes(service);
  let isOver = false;
  const attacked = attack().finally(() => {
    isOver = true;
  });
  const others = [callHttp1UntilOver(url, ca, () => isOver), callGrpcUntilOver(url, ca, () => isOver)];
  const [, ...slowest] = await Promise.all([attacked, ...others]);
  for (const ms of slowest) expect(ms).toBeLessThan(ANSWER_MS_MAX);
  expect(residentBytes(service) - before).toBeLessThan(GROWTH_BYTES_MAX);
}

/** The longest wait for an answer, in milliseconds. */
async function callHttp1UntilOver(
  url: string,
  ca: string | undefined,
  isOver: () => boolean,
): Promise<number> {
  const connection = await openHttp1(url, ca);
  const headers = { ...JSON_TYPE, ...CREDENTIAL };
  const slowest = await callUntilOver(isOver, async () => {
    const answer = await connection.request({ path: VERIFY, headers, body: '{"apiKey":"x"}' });
    expect(answer.status).toBe(200);
  });
  connection.close();
  return slowest;
}

async function callGrpcUntilOver(
  url: string,
  ca: string | undefined,
  isOver: () => boolean,
): Promise<number> {
  const connection = openHttp2(url, { ca });
  const slowest = await callUntilOver(isOver, async () => {
    const answer = await connection.request(grpcHeaders(VERIFY, CREDENTIAL), envelope(Buffer.alloc(0)));
    expect(answer.trailers["grpc-status"]).toBe("0");
  });
  connection.close();
  return slowest;
}

async function callUntilOver(isOver: () => boolean, call: () => Promise<void>): Promise<number> {
  let slowestMs = 0;
  for (let count = 0, after = 0; count < CALLS_MIN || after < CALLS_MIN; count += 1) {
    if (isOver()) after += 1;
    const started = performance.now();
    await call();
    slowestMs = Math.max(slowestMs, performance.now() - started);
  }
  return slowestMs;
}

function residentBytes({ run }: ServiceRun): number {
  const text = execFileSync("ps", ["-o", "rss=", "-p", String(run.pid)], { encoding: "utf8" });
  return Number(text) * 1_024;
}
