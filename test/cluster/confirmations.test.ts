// When a change counts as forgotten by all workers: each has acknowledged, or ended, or the time is over for
// which it could use anything from before. Covers src/cluster/confirmations.ts.
import { expect, it } from "vitest";
import { CLOCK_MARGIN_MS } from "../../src/cluster/channel/elapse.ts";
import { Member } from "../../src/cluster/channel/member.ts";
import type { ToWorker } from "../../src/cluster/channel/messages.ts";
import { Confirmations } from "../../src/cluster/confirmations.ts";
import { Machine, settled } from "./machine.ts";

const LEASE_MS = 2_000;
const CHANGED = { keyId: "flk_changed" };

function openConfirmations() {
  const machine = new Machine();
  const primary = machine.start();
  const confirmations = new Confirmations(LEASE_MS, primary.after);
  const join = () => {
    const told: ToWorker[] = [];
    const member = new Member((message, taken) => {
      told.push(message);
      taken();
    });
    confirmations.join(member);
    return { member, told };
  };
  /** Whether it is confirmed by now. */
  const forget = (asker?: Member) => {
    const state = { isConfirmed: false };
    void confirmations.forget(CHANGED, asker).then(() => {
      state.isConfirmed = true;
    });
    return async () => {
      await settled();
      return state.isConfirmed;
    };
  };
  return { machine, primary, confirmations, join, forget };
}

const forgetOf = (told: readonly ToWorker[]) => told.filter(({ kind }) => kind === "forget");

it("Without workers a change is confirmed at once, and so is that of the only one.", async () => {
  const { join, forget } = openConfirmations();
  expect(await forget()()).toBe(true);
  const { member, told } = join();
  expect(await forget(member)()).toBe(true);
  expect(forgetOf(told)).toEqual([]);
});

it("A worker that joins is told first to forget whatever it has read.", () => {
  const { join } = openConfirmations();
  expect(join().told).toEqual([{ kind: "doubted" }]);
});

it("A change of a worker is confirmed when all the others have acknowledged.", async () => {
  const { confirmations, primary, join, forget } = openConfirmations();
  const [asker, b, c] = [join(), join(), join()];
  const isConfirmed = forget(asker.member);
  expect([asker, b, c].map(({ told }) => forgetOf(told))).toEqual([
    [],
    [{ kind: "forget", id: 1, changed: CHANGED }],
    [{ kind: "forget", id: 1, changed: CHANGED }],
  ]);
  confirmations.acknowledge(b.member, 1);
  confirmations.acknowledge(b.member, 1);
  expect(await isConfirmed()).toBe(false);
  confirmations.acknowledge(c.member, 1);
  expect(await isConfirmed()).toBe(true);
  expect(primary.waiting).toBe(0);
});

it("A change of the primary is confirmed when all workers have acknowledged.", async () => {
  const { confirmations, join, forget } = openConfirmations();
  const { member } = join();
  const isConfirmed = forget();
  expect(await isConfirmed()).toBe(false);
  confirmations.acknowledge(member, 1);
  expect(await isConfirmed()).toBe(true);
});

it("An acknowledgement of another change confirms nothing.", async () => {
  const { confirmations, join, forget } = openConfirmations();
  const { member } = join();
  const [first, second] = [forget(), forget()];
  confirmations.acknowledge(member, 2);
  expect([await first(), await second()]).toEqual([false, true]);
  confirmations.acknowledge(member, 7);
  expect(await first()).toBe(false);
});

it("A worker whose process has ended owes nothing, also of several changes.", async () => {
  const { confirmations, join, forget } = openConfirmations();
  const [a, b] = [join(), join()];
  const [first, second] = [forget(), forget(a.member)];
  confirmations.acknowledge(a.member, 1);
  expect([await first(), await second()]).toEqual([false, false]);
  confirmations.leave(b.member);
  expect([await first(), await second()]).toEqual([true, true]);
  const told = b.told.length;
  expect(await forget(a.member)()).toBe(true);
  expect(b.told).toHaveLength(told);
});

it("A silent worker delays a change for the lease and the margin of the clocks.", async () => {
  const { machine, join, forget } = openConfirmations();
  join();
  machine.pass(10_000);
  const isConfirmed = forget();
  machine.pass(LEASE_MS + CLOCK_MARGIN_MS - 1);
  expect(await isConfirmed()).toBe(false);
  machine.pass(1);
  expect(await isConfirmed()).toBe(true);
});

it("A worker that joins while a change is not confirmed yet does not delay it.", async () => {
  const { confirmations, join, forget } = openConfirmations();
  const before = join();
  const isConfirmed = forget();
  join();
  confirmations.acknowledge(before.member, 1);
  expect(await isConfirmed()).toBe(true);
});

it("A worker that owes an acknowledgement goes on getting leases, behind what it has to forget.", () => {
  const { machine, confirmations, join, forget } = openConfirmations();
  const { told } = join();
  forget();
  const sentAt = { monotonic: machine.now, wall: machine.now };
  confirmations.tell({ kind: "heard", position: 7, sentAt });
  expect(told.map(({ kind }) => kind)).toEqual(["doubted", "forget", "heard"]);
});
