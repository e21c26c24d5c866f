// A program, started by quota-fleet.ts: one node that does nothing but count uses of one key against its
// quota, as it is told on its standard input. Time is its own: it stands still between commands.
import { randomBytes } from "node:crypto";
import { writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { QuotaLeases } from "../../src/app/limits/quota-leases.ts";
import { FleetkeyError } from "../../src/domain/errors.ts";
import type { LimitedUse } from "../../src/domain/grant/limit.ts";
import { openStore } from "../../src/store/open-store.ts";
import { type NodeTask, OUTCOMES } from "./quota-fleet.ts";

/** Longer than "nothing is left" is remembered. */
const COMMAND_MS = 1_000;
/** As long as a key must rest for its uses to be given back. */
const REST_MS = 10_000;

const task: NodeTask = JSON.parse(process.argv[2] ?? "");
const store = await openStore(task.address);
const leases = new QuotaLeases({ quotas: store.quotas, randomBytes });
let now = task.startTime;

// Written at once, so that what was admitted is known also when the process dies next; and not to the
// standard output, which libraries open as a stream: from then on a full one refuses what is written at once.
const tell = (text: string) => writeSync(OUTCOMES, text);

async function use(): Promise<void> {
  try {
    const taken = leases.take(task.keyId, task.quota, now);
    const { isAdmitted }: LimitedUse = taken instanceof Promise ? await taken : taken;
    tell(isAdmitted ? "a" : "x");
  } catch (error) {
    if (!(error instanceof FleetkeyError && error.code === "unavailable")) throw error;
    tell("u");
  }
}

async function run(command: string): Promise<void> {
  const [what, times] = command.split(" ");
  now += what === "rest" ? REST_MS : COMMAND_MS;
  if (what === "take") await Promise.all(Array.from({ length: Number(times) }, use));
  if (what === "rest") await leases.releaseIdle(now);
}

tell("\n");
for await (const command of createInterface({ input: process.stdin })) {
  await run(command);
  tell("\n");
}
await leases.releaseAll(now);
await store.close();
