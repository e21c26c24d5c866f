// What a run counts and measures is right, so that one in which nothing happened cannot pass.
import { describe, expect, it } from "vitest";
import { type Ending, type History, newRecording, type Outcome, type VerifyRecord } from "./history.ts";
import { countsOf, percentileOf, propagationsOf, shortfallsOf } from "./measure-history.ts";

const BOUND_MS = 2_000;
const NAME = { keyId: "flk_1", secret: 0 };
const ISSUE = { ...NAME, principals: ["user-1"], sentAt: 0, answeredAt: 10 };
const ENDING: Ending = {
  how: "revoke",
  target: { keyId: "flk_1" },
  sentAt: 900,
  answered: { node: 0, at: 1_000 },
  isProbed: true,
};

const verify = (node: number, sentAt: number, outcome: Outcome, reason?: string): VerifyRecord => ({
  ...NAME,
  node,
  sentAt,
  answeredAt: sentAt + 5,
  outcome,
  ...(reason === undefined ? {} : { reason }),
});

const history = (verifies: readonly VerifyRecord[], parts: Partial<History> = {}): History => ({
  ...newRecording(3),
  issues: [ISSUE],
  endings: [ENDING],
  verifies,
  ...parts,
});

describe("the counts of a history", () => {
  it("tell valid ones by node, and what other nodes said within the bound", () => {
    const verifies = [
      verify(0, 500, "valid"),
      verify(0, 1_100, "refused", "REVOKED"),
      verify(1, 500, "valid"),
      verify(1, 1_100, "valid"),
      verify(1, 1_200, "refused", "REVOKED"),
      verify(2, 3_001, "refused", "REVOKED"),
    ];
    const { valid, refusedElsewhere, validElsewhere } = countsOf(history(verifies), BOUND_MS);
    expect({ valid, refusedElsewhere, validElsewhere }).toEqual({
      valid: [1, 2, 0],
      refusedElsewhere: 1,
      validElsewhere: 1,
    });
  });

  it("tell `unavailable` of a node only while its own way to the store was broken", () => {
    const faults = [
      { node: 1, kind: "cut", from: 2_000, to: 3_000 },
      { node: 2, kind: "pause", from: 2_000, to: 3_000 },
    ];
    const verifies = [
      verify(0, 2_500, "unavailable"),
      verify(1, 1_990, "unavailable"),
      verify(1, 1_996, "unavailable"),
      verify(1, 3_000, "unavailable"),
      verify(1, 3_001, "unavailable"),
      verify(2, 2_500, "unavailable"),
    ];
    const { unavailableInFaults, faults: counted } = countsOf(history(verifies, { faults }), BOUND_MS);
    expect(unavailableInFaults).toBe(2);
    expect(counted).toEqual({ cut: 1, pause: 1 });
  });

  it("tell the answered ends by how", () => {
    const endings = [ENDING, { ...ENDING, answered: undefined }, { ...ENDING, how: "refresh" }];
    expect(countsOf(history([], { endings }), BOUND_MS).endings).toEqual({ revoke: 1, refresh: 1 });
  });

  it("fall short where any is below its least", () => {
    const counts = countsOf(history([verify(1, 500, "valid")]), BOUND_MS);
    expect(shortfallsOf(counts, { endings: { revoke: 1 }, refusedElsewhere: 0 })).toEqual([]);
    expect(shortfallsOf(counts, { valid: 1 })).toEqual(["valid: 0 of 1", "valid: 0 of 1"]);
    expect(shortfallsOf(counts, { endings: { revoke: 2, refresh: 1 }, refusedElsewhere: 1 })).toEqual([
      "endings by revoke: 1 of 2",
      "endings by refresh: 0 of 1",
      "refusedElsewhere: 0 of 1",
    ]);
  });
});

describe("how fast an end spreads", () => {
  it("is until the answer of the first refusal that no other answer follows, on each other node", () => {
    const verifies = [
      verify(1, 990, "refused", "REVOKED"),
      verify(1, 1_010, "refused", "REVOKED"),
      verify(1, 1_020, "valid"),
      verify(1, 1_040, "refused", "REVOKED"),
      verify(1, 1_050, "refused", "REVOKED"),
      verify(2, 1_001, "refused", "REVOKED"),
    ];
    expect(propagationsOf(history(verifies))).toEqual([45, 6]);
  });

  it("is endless on a node that never refuses, or was not asked", () => {
    const { POSITIVE_INFINITY: endless } = Number;
    expect(propagationsOf(history([verify(1, 1_010, "valid")]))).toEqual([endless, endless]);
  });

  it("is not measured of ends that were not probed or not answered", () => {
    const endings = [
      { ...ENDING, isProbed: false },
      { ...ENDING, answered: undefined },
    ];
    expect(propagationsOf(history([], { endings }))).toEqual([]);
  });

  it.each([
    [[3, 1, 2], 0.5, 2],
    [[3, 1, 2], 0.99, 3],
    [[3, 1, 2], 0.01, 1],
    [[7], 0.5, 7],
    [[], 0.5, Number.NaN],
  ])("of %j has at the share %d the value %d", (values, share, percentile) => {
    expect(percentileOf(values, share)).toBe(percentile);
  });
});
