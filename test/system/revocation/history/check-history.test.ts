// The judge of histories is itself judged: each kind of violation is found in the least history that has it,
// and what only looks like one is none.
import { describe, expect, it } from "vitest";
import { finalViolationsIn, violationsIn } from "./check-history.ts";
import {
  type Ending,
  type EndingTarget,
  type History,
  type Issue,
  newRecording,
  type VerifyRecord,
} from "./history.ts";

const BOUND_MS = 2_000;
const KEY = "flk_1";
const USER = "user-1";

/** Told at 100. */
const issue = (secret = 0, sentAt = 90): Issue => ({
  keyId: KEY,
  secret,
  principals: [USER, "org-1"],
  sentAt,
  answeredAt: sentAt + 10,
});

/** Sent at 900, answered by node 0 at 1,000. */
const ending = (target: EndingTarget = { keyId: KEY }, changes: Partial<Ending> = {}): Ending => ({
  how: "revoke",
  target,
  sentAt: 900,
  answered: { node: 0, at: 1_000 },
  isProbed: false,
  ...changes,
});

/** On node 1, answered after 5 ms. */
const verify = (sentAt: number, changes: Partial<VerifyRecord> = {}): VerifyRecord => ({
  node: 1,
  keyId: KEY,
  secret: 0,
  sentAt,
  answeredAt: sentAt + 5,
  outcome: "valid",
  ...changes,
});

const history = (parts: Partial<History>): History => ({ ...newRecording(2), issues: [issue()], ...parts });

const kindsIn = (parts: Partial<History>) => violationsIn(history(parts), BOUND_MS).map(({ kind }) => kind);

describe("a Verify that says valid", () => {
  it.each([
    ["on another node, later than the bound", verify(3_001), ["valid past the bound"]],
    ["on another node, at the bound", verify(3_000), []],
    [
      "on another node, sent within the bound and answered much later",
      verify(2_999, { answeredAt: 9_000 }),
      [],
    ],
    ["on the node that had answered", verify(1_001, { node: 0 }), ["valid where it was ended"]],
    ["on the node that answered while it was under way", verify(999, { node: 0 }), []],
    ["before the end", verify(500), []],
  ])("%s", (_what, record, kinds) => {
    expect(kindsIn({ endings: [ending()], verifies: [record] })).toEqual(kinds);
  });

  it.each<[string, EndingTarget, string[]]>([
    ["its user", { principal: USER }, ["valid past the bound"]],
    ["its organization", { principal: "org-1" }, ["valid past the bound"]],
    ["another user", { principal: "user-2" }, []],
    ["another key", { keyId: "flk_2" }, []],
    ["the secrets before the next one", { keyId: KEY, secretsBefore: 1 }, ["valid past the bound"]],
    ["the secrets before it", { keyId: KEY, secretsBefore: 0 }, []],
  ])("past the bound after the end of %s", (_what, target, kinds) => {
    expect(kindsIn({ endings: [ending(target)], verifies: [verify(3_001)] })).toEqual(kinds);
  });

  it("is no violation when the end was never answered", () => {
    expect(
      kindsIn({ endings: [ending(undefined, { answered: undefined })], verifies: [verify(9_000)] }),
    ).toEqual([]);
  });

  it("is no violation for a key that was created while its user's keys were ended", () => {
    const issues = [issue(0, 950)];
    const endings = [ending({ principal: USER })];
    expect(kindsIn({ issues, endings, verifies: [verify(9_000)] })).toEqual([]);
  });

  it("is judged by each of several ends", () => {
    const endings = [ending(undefined, { answered: { node: 1, at: 5_000 } }), ending()];
    expect(kindsIn({ endings, verifies: [verify(3_001)] })).toEqual(["valid past the bound"]);
    expect(kindsIn({ endings, verifies: [verify(5_001)] })).toEqual(["valid where it was ended"]);
  });

  it("says in words what was sent when, and without an api_key", () => {
    const [violation] = violationsIn(history({ endings: [ending()], verifies: [verify(3_001)] }), BOUND_MS);
    expect(violation?.text).toBe(
      "flk_1#0 was valid on node 1 at 3001..3006 ms, sent 2001 ms after revoke was answered by node 0",
    );
  });
});

describe("a Verify that refuses", () => {
  const refused = (sentAt: number) => verify(sentAt, { outcome: "refused", reason: "UNKNOWN" });

  it.each([
    ["what nothing has ended", [], refused(3_000), ["refused while it lived"]],
    ["what is told only since the bound", [], refused(2_100), []],
    [
      "before its end was sent",
      [ending(undefined, { sentAt: 4_000 })],
      refused(3_000),
      ["refused while it lived"],
    ],
    ["after its end was sent", [ending(undefined, { sentAt: 3_004 })], refused(3_000), []],
    [
      "after its end was sent and never answered",
      [ending(undefined, { answered: undefined })],
      refused(3_000),
      [],
    ],
  ])("%s", (_what, endings, record, kinds) => {
    expect(kindsIn({ endings, verifies: [record] })).toEqual(kinds);
  });

  it("is a violation for a key that was created after its user's keys were ended", () => {
    const endings = [ending({ principal: USER })];
    const verifies = [refused(4_000)];
    expect(kindsIn({ issues: [issue(0, 1_001)], endings, verifies })).toEqual(["refused while it lived"]);
    expect(kindsIn({ issues: [issue(0, 1_000)], endings, verifies })).toEqual([]);
  });
});

describe("a Verify without a verdict", () => {
  it.each<[VerifyRecord["outcome"], string[]]>([
    ["unavailable", []],
    ["unanswered", []],
    ["failed", ["failed"]],
  ])("that is %s", (outcome, kinds) => {
    expect(kindsIn({ verifies: [verify(500, { outcome })] })).toEqual(kinds);
    expect(kindsIn({ endings: [ending()], verifies: [verify(9_000, { outcome })] })).toEqual(kinds);
  });
});

describe("in the end", () => {
  const last = (node: number, outcome: VerifyRecord["outcome"]) => verify(9_000, { node, outcome });
  const finals = (outcome: VerifyRecord["outcome"]) => [last(0, "refused"), last(1, outcome)];
  const finalKindsIn = (parts: Partial<History>) => finalViolationsIn(history(parts)).map(({ kind }) => kind);

  it.each<[VerifyRecord["outcome"], string[]]>([
    ["refused", []],
    ["valid", ["wrong in the end"]],
    ["unavailable", ["wrong in the end"]],
    ["unanswered", ["wrong in the end"]],
  ])("an ended secret that is %s", (outcome, kinds) => {
    expect(finalKindsIn({ endings: [ending()], finals: finals(outcome) })).toEqual(kinds);
  });

  it("a live secret must be valid on each node", () => {
    expect(finalKindsIn({ finals: [last(0, "valid"), last(1, "valid")] })).toEqual([]);
    expect(finalKindsIn({ finals: [last(0, "valid"), last(1, "refused")] })).toEqual(["wrong in the end"]);
    expect(finalKindsIn({ finals: [last(0, "valid"), last(1, "unavailable")] })).toEqual([
      "wrong in the end",
    ]);
  });

  it("a secret whose end was never answered can be either, but must be one of them", () => {
    const endings = [ending(undefined, { answered: undefined })];
    expect(finalKindsIn({ endings, finals: [last(0, "valid"), last(1, "refused")] })).toEqual([]);
    expect(finalKindsIn({ endings, finals: finals("unavailable") })).toEqual(["wrong in the end"]);
  });

  it("each secret must have been asked for on each node", () => {
    expect(finalKindsIn({ finals: [last(0, "valid")] })).toEqual(["not asked in the end"]);
  });
});

it("a Verify of what was never issued is a mistake of the test and no violation", () => {
  expect(() => violationsIn(history({ verifies: [verify(500, { secret: 1 })] }), BOUND_MS)).toThrow(
    "never issued",
  );
});
