// The primary's side of the channels: all workers hear what the tail tells, and count against one limit.
// Covers src/cluster/primary-desk.ts.
import { expect, it, vi } from "vitest";
import { RateLimits } from "../../src/app/limits/rate-limits.ts";
import { Member } from "../../src/cluster/channel/member.ts";
import type { ToWorker } from "../../src/cluster/channel/messages.ts";
import { PrimaryDesk } from "../../src/cluster/primary-desk.ts";
import { Machine, settled } from "./machine.ts";

const CHANGED = { keyId: "flk_changed" };
const RATE = { limit: 10, windowMs: 60_000 };
const COUNTS = { hits: 1, misses: 1, discarded: 0, shed: 0, size: 1, principals: 0 };

function openDesk() {
  const machine = new Machine();
  const changed = vi.fn();
  const desk = new PrimaryDesk({
    leaseMs: 2_000,
    after: machine.start().after,
    clock: machine.wall,
    rates: new RateLimits(),
    changed,
  });
  const open = () => {
    const told: ToWorker[] = [];
    const member = new Member((message, taken) => {
      told.push(message);
      taken();
    });
    return { place: desk.open(member), told };
  };
  const join = () => {
    const worker = open();
    worker.place.receive({ kind: "joined" });
    return worker;
  };
  return { machine, changed, desk, open, join };
}

it("All workers that have joined are told what the tail tells, in its order.", () => {
  const { desk, open, join } = openDesk();
  const [a, b, starting] = [join(), join(), open()];
  const sentAt = { monotonic: 1, wall: 2 };
  desk.changed([{ number: 1, keyId: "flk_a" }]);
  desk.heard(1, sentAt);
  desk.doubted();
  const told = [
    { kind: "doubted" },
    { kind: "changed", entries: [{ number: 1, keyId: "flk_a" }] },
    { kind: "heard", position: 1, sentAt },
    { kind: "doubted" },
  ];
  expect([a.told, b.told, starting.told]).toEqual([told, told, []]);
});

it("A worker that joins late has the lease that the others have, behind what makes it safe.", () => {
  const { desk, join } = openDesk();
  const [first, second] = [1, 2].map((at) => ({ monotonic: at, wall: at }));
  if (first === undefined || second === undefined) throw new Error("there are two");
  desk.heard(7, first);
  desk.heard(8, second);
  expect(join().told).toEqual([{ kind: "doubted" }, { kind: "heard", position: 8, sentAt: second }]);
});

it("A worker's change is answered when the others have forgotten it, and wakes the tail.", async () => {
  const { changed, join } = openDesk();
  const [a, b] = [join(), join()];
  a.place.receive({ kind: "forget", id: 70, changed: CHANGED });
  expect(changed).toHaveBeenCalledTimes(1);
  expect(b.told.at(-1)).toEqual({ kind: "forget", id: 1, changed: CHANGED });
  await settled();
  expect(a.told).toEqual([{ kind: "doubted" }]);
  b.place.receive({ kind: "forgotten", id: 1 });
  await settled();
  expect(a.told.at(-1)).toEqual({ kind: "forgotten", id: 70 });
});

it("What a worker has sent is not served when its end is seen first.", async () => {
  const { desk, open, join } = openDesk();
  const asker = join();
  const { place, told } = open();
  place.leave();
  place.receive({ kind: "joined" });
  place.receive({ kind: "counts", counts: COUNTS });
  asker.place.receive({ kind: "forget", id: 1, changed: CHANGED });
  await settled();
  expect([asker.told.at(-1), told, desk.counts.size]).toEqual([{ kind: "forgotten", id: 1 }, [], 0]);
});

it("All workers together have one limit, by the clock of the primary.", () => {
  const { machine, join } = openDesk();
  const workers = [join(), join()];
  const admitted = () => {
    let count = 0;
    for (let id = 0; id < 10; id++) {
      for (const { place, told } of workers) {
        place.receive({ kind: "take", id, asked: Array(2).fill({ keyId: "flk_a", rateLimit: RATE }) });
        const answer = told.at(-1);
        if (answer?.kind !== "taken" || answer.id !== id) throw new Error("it was asked");
        count += answer.uses.filter(({ isAdmitted }) => isAdmitted).length;
      }
    }
    return count;
  };
  expect(admitted()).toBe(10);
  machine.pass(12_000);
  expect(admitted()).toBe(2);
});

it("The counts of the workers are added up.", () => {
  const { desk, join } = openDesk();
  for (const { place } of [join(), join()]) place.receive({ kind: "counts", counts: COUNTS });
  expect(desk.counts).toEqual({ hits: 2, misses: 2, discarded: 0, shed: 0, size: 2, principals: 0 });
});
