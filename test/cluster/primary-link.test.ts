// A worker's side of the channel: what it is told it forgets, what it asks is answered in time or fails, and
// the end of the primary is an answer only when the lease is over. Covers src/cluster/primary-link.ts.
import { expect, it, vi } from "vitest";
import { CLOCK_MARGIN_MS } from "../../src/cluster/channel/elapse.ts";
import type { ToPrimary } from "../../src/cluster/channel/messages.ts";
import { PrimaryLink } from "../../src/cluster/primary-link.ts";
import { codeOf } from "../app/outcomes.ts";
import { Machine, settled } from "./machine.ts";

const LEASE_MS = 2_000;
const CHANGED = { keyId: "flk_changed" };
const RATE = { limit: 10, windowMs: 60_000 };
const NO_ANSWER = "unavailable NODE_UNAVAILABLE";

function openLink() {
  const machine = new Machine();
  const sent: ToPrimary[] = [];
  const soon: (() => void)[] = [];
  const link = new PrimaryLink({
    send: (message) => void sent.push(message),
    leaseMs: LEASE_MS,
    after: machine.start().after,
    soon: (job) => void soon.push(job),
  });
  const turn = () => {
    for (const job of soon.splice(0)) job();
  };
  return { machine, link, sent, turn };
}

/** How a promise stands. */
async function stateOf(promise: Promise<unknown>): Promise<string> {
  let state = "waits";
  promise.then(
    () => {
      state = "answered";
    },
    (error) => {
      state = `${error.code} ${error.details.reason}`;
    },
  );
  await settled();
  return state;
}

it("What the tail tells is told here, in order; what is to be forgotten is acknowledged.", () => {
  const { link, sent } = openLink();
  const calls: unknown[] = [];
  const listener = {
    changed: (entries: unknown) => void calls.push(["changed", entries]),
    doubted: () => void calls.push("doubted"),
    heard: (position: number, sentAt: unknown) => void calls.push(["heard", position, sentAt]),
  };
  link.join({ listener, forget: (changed) => void calls.push(["forget", changed]) });
  const sentAt = { monotonic: 1, wall: 2 };
  link.receive({ kind: "doubted" });
  link.receive({ kind: "changed", entries: [{ number: 1, keyId: "flk_a" }] });
  link.receive({ kind: "heard", position: 1, sentAt });
  expect(sent).toEqual([{ kind: "joined" }]);
  link.receive({ kind: "forget", id: 5, changed: CHANGED });
  expect(calls).toEqual([
    "doubted",
    ["changed", [{ number: 1, keyId: "flk_a" }]],
    ["heard", 1, sentAt],
    ["forget", CHANGED],
  ]);
  expect(sent.at(-1)).toEqual({ kind: "forgotten", id: 5 });
});

it("A change waits for the primary's answer, each for its own.", async () => {
  const { link, sent } = openLink();
  const [first, second] = [link.forget(CHANGED), link.forget({ principalId: "p" })];
  expect(sent).toEqual([
    { kind: "forget", id: 1, changed: CHANGED },
    { kind: "forget", id: 2, changed: { principalId: "p" } },
  ]);
  link.receive({ kind: "forgotten", id: 2 });
  expect([await stateOf(first), await stateOf(second)]).toEqual(["waits", "answered"]);
});

it("A change that a stopped primary does not answer is `unavailable` 5 s after the lease.", async () => {
  const { machine, link } = openLink();
  const asked = link.forget(CHANGED);
  machine.pass(LEASE_MS + 4_999);
  expect(await stateOf(asked)).toBe("waits");
  machine.pass(1);
  expect(await stateOf(asked)).toBe(NO_ANSWER);
});

it("Without a primary a change is answered after the lease, from then or from its own time.", async () => {
  const { machine, link } = openLink();
  const before = link.forget(CHANGED);
  machine.pass(1_000);
  link.lose();
  machine.pass(500);
  const after = link.forget(CHANGED);
  machine.pass(LEASE_MS + CLOCK_MARGIN_MS - 501);
  expect([await stateOf(before), await stateOf(after)]).toEqual(["waits", "waits"]);
  machine.pass(1);
  expect([await stateOf(before), await stateOf(after)]).toEqual(["answered", "waits"]);
  machine.pass(499);
  expect(await stateOf(after)).toBe("waits");
  machine.pass(1);
  expect(await stateOf(after)).toBe("answered");
});

it("Uses of one turn are asked for in one message, and each gets its own answer.", async () => {
  const { link, sent, turn } = openLink();
  const takes = ["flk_a", "flk_b"].map((keyId) => link.take(keyId, RATE));
  expect(sent).toEqual([]);
  turn();
  takes.push(link.take("flk_c", RATE));
  turn();
  const asked = (keyId: string) => ({ keyId, rateLimit: RATE });
  expect(sent).toEqual([
    { kind: "take", id: 1, asked: [asked("flk_a"), asked("flk_b")] },
    { kind: "take", id: 2, asked: [asked("flk_c")] },
  ]);
  const use = (isAdmitted: boolean, remaining: number) => ({ isAdmitted, status: { limit: 10, remaining } });
  link.receive({ kind: "taken", id: 2, uses: [use(true, 3)] });
  link.receive({ kind: "taken", id: 1, uses: [use(true, 9), use(false, 0)] });
  expect(await Promise.all(takes)).toEqual([use(true, 9), use(false, 0), use(true, 3)]);
});

it("A use without an answer within 1 s is `unavailable`, whatever comes then.", async () => {
  const { machine, link, turn } = openLink();
  const taken = link.take("flk_a", RATE);
  turn();
  machine.pass(999);
  expect(await stateOf(taken)).toBe("waits");
  machine.pass(1);
  link.receive({ kind: "taken", id: 1, uses: [{ isAdmitted: true, status: { limit: 1, remaining: 1 } }] });
  expect(await stateOf(taken)).toBe(NO_ANSWER);
});

it("An answer with too few uses admits none of the rest.", async () => {
  const { link, turn } = openLink();
  const takes = [link.take("flk_a", RATE), link.take("flk_b", RATE)];
  turn();
  link.receive({ kind: "taken", id: 1, uses: [{ isAdmitted: true, status: { limit: 1, remaining: 1 } }] });
  expect(await Promise.all(takes.map(stateOf))).toEqual(["answered", NO_ANSWER]);
});

it("When the primary is gone, uses are `unavailable` at once, also those that wait.", async () => {
  const { link, turn } = openLink();
  const taken = link.take("flk_a", RATE);
  turn();
  link.lose();
  expect(await stateOf(taken)).toBe(NO_ANSWER);
  expect(await codeOf(link.take("flk_a", RATE))).toBe(NO_ANSWER);
});

it("At most 10,000 uses are asked for before the primary reads, however long it is stopped.", async () => {
  const { machine, link, turn } = openLink();
  const takes = Array.from({ length: 10_000 }, () => link.take("flk_a", RATE));
  expect(await codeOf(link.take("flk_a", RATE))).toBe(NO_ANSWER);
  turn();
  machine.pass(60_000);
  expect(new Set(await Promise.all(takes.map(codeOf)))).toEqual(new Set([NO_ANSWER]));
  expect(await codeOf(link.take("flk_a", RATE))).toBe(NO_ANSWER);
  const uses = takes.map(() => ({ isAdmitted: true, status: { limit: 1, remaining: 1 } }));
  link.receive({ kind: "taken", id: 1, uses });
  const next = link.take("flk_a", RATE);
  expect(await stateOf(next)).toBe("waits");
});

it("Nothing fails when a message comes before there is anything to forget.", () => {
  const { link, sent } = openLink();
  const listener = { changed: vi.fn(), doubted: vi.fn(), heard: vi.fn() };
  link.receive({ kind: "doubted" });
  link.receive({ kind: "forget", id: 1, changed: CHANGED });
  link.join({ listener, forget: vi.fn() });
  expect(sent).toEqual([{ kind: "forgotten", id: 1 }, { kind: "joined" }]);
});
