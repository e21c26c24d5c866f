// Covers an Update and the report of a leak, each by itself (key-changes.ts): what it sets, what it leaves
// alone, and when it finds nothing to change, which is told by giving back the very record.
import { describe, expect, it } from "vitest";
import type { KeyRecord } from "../../src/domain/key.ts";
import { type KeyUpdate, reportLeak, updateKey } from "../../src/domain/key-changes.ts";
import { buildGeneration, buildKey, DISABLEMENT, START } from "./build.ts";

const NOW = START + 60_000;
const CALLER = "caller-2";
const FORMER_END = NOW + 30_000;
const FORMER = buildGeneration({ number: 1, endTime: FORMER_END });
const NEWEST = buildGeneration({ number: 2 });

/** A key of which every field that an Update can set is set. */
const FULL = buildKey({
  name: "name",
  description: "description",
  metadata: '{"b":1,"a":{"d":[1,2],"c":"x"}}',
  scopes: ["orders:read", "orders:write"],
  roles: ["reader"],
  expireTime: NOW + 1_000_000,
  allowedCidrs: ["192.0.2.0/24"],
  rateLimit: { limit: 10, windowMs: 1_000 },
  quota: { limit: 100, period: "day" },
  disablement: DISABLEMENT,
  generations: [NEWEST, FORMER],
});

const update = (key: KeyRecord, change: KeyUpdate, now = NOW) =>
  updateKey(key, change, { now, caller: CALLER });

describe("updateKey", () => {
  it.each<[string, KeyUpdate, Partial<KeyRecord>]>([
    ["name", { name: "" }, { name: "" }],
    ["description", { description: "new" }, { description: "new" }],
    ["metadata", { metadata: "{}" }, { metadata: "{}" }],
    ["metadata, cleared", { metadata: undefined }, { metadata: undefined }],
    ["scopes", { scopes: [] }, { scopes: [] }],
    ["the order of scopes", { scopes: FULL.scopes.toReversed() }, { scopes: FULL.scopes.toReversed() }],
    ["roles", { roles: [] }, { roles: [] }],
    ["expireTime, later", { expireTime: NOW + 9e9 }, { expireTime: NOW + 9e9 }],
    ["expireTime, sooner", { expireTime: NOW + 1 }, { expireTime: NOW + 1 }],
    ["expireTime, cleared", { expireTime: undefined }, { expireTime: undefined }],
    ["allowedCidrs", { allowedCidrs: ["::1"] }, { allowedCidrs: ["::1"] }],
    [
      "rateLimit",
      { rateLimit: { limit: 11, windowMs: 1_000 } },
      { rateLimit: { limit: 11, windowMs: 1_000 } },
    ],
    ["rateLimit, cleared", { rateLimit: undefined }, { rateLimit: undefined }],
    ["quota", { quota: { limit: 100, period: "none" } }, { quota: { limit: 100, period: "none" } }],
    ["quota, cleared", { quota: undefined }, { quota: undefined }],
    ["disablement, lifted", { isDisabled: false }, { disablement: undefined }],
    [
      "the former end",
      { previousEndTime: NOW + 1 },
      { generations: [NEWEST, { ...FORMER, endTime: NOW + 1 }] },
    ],
    ["the former end, now", { previousEndTime: NOW }, { generations: [NEWEST] }],
    ["the former end, past", { previousEndTime: Number.NEGATIVE_INFINITY }, { generations: [NEWEST] }],
    ["two at once", { name: "new", quota: undefined }, { name: "new", quota: undefined }],
  ])("changes only what it names, the revision and the time: %s", (_, change, expected) => {
    expect(update(FULL, change)).toEqual({ ...FULL, ...expected, revision: 2, updateTime: NOW });
  });

  it.each<[string, KeyUpdate]>([
    ["nothing", {}],
    ["the same name", { name: "name" }],
    ["the same lists", { scopes: [...FULL.scopes], roles: ["reader"], allowedCidrs: ["192.0.2.0/24"] }],
    ["the same metadata in another order", { metadata: '{"a":{"c":"x","d":[1,2]},"b":1}' }],
    ["the same limits", { rateLimit: { limit: 10, windowMs: 1_000 }, quota: { limit: 100, period: "day" } }],
    ["the same end", { expireTime: FULL.expireTime }],
    ["switching off what is off", { isDisabled: true }],
    ["the same former end", { previousEndTime: FORMER_END }],
    ["a later former end", { previousEndTime: FORMER_END + 1 }],
  ])("gives back the record when it is so already: %s", (_, change) => {
    expect(update(FULL, change)).toBe(FULL);
  });

  it.each<[string, KeyUpdate]>([
    ["no metadata", { metadata: undefined }],
    ["no end", { expireTime: undefined }],
    ["no limits", { rateLimit: undefined, quota: undefined }],
    ["not off", { isDisabled: false }],
    ["a former end", { previousEndTime: NOW - 1 }],
  ])("gives back a record that has none of it: %s", (_, change) => {
    const bare = buildKey();
    expect(update(bare, change)).toBe(bare);
  });

  it("remembers who switched it off, and keeps who did so first", () => {
    const off = update(buildKey(), { isDisabled: true });
    expect(off.disablement).toEqual({ time: NOW, caller: CALLER, isByOperator: true });
    expect(update(FULL, { isDisabled: true, name: "new" }).disablement).toEqual(DISABLEMENT);
  });

  it.each([NOW - 1, FORMER_END, Number.NEGATIVE_INFINITY])(
    "A former secret that has ended stays as it is: no change is made of it for %d.",
    (previousEndTime) => {
      expect(update(FULL, { previousEndTime }, FORMER_END)).toBe(FULL);
      expect(update(FULL, { previousEndTime, name: "new" }, FORMER_END).generations).toEqual([
        NEWEST,
        FORMER,
      ]);
    },
  );

  it("tells metadata apart by what it says, also by names of the language's own", () => {
    const key = buildKey({ metadata: '{"__proto__":{"a":1}}' });
    expect(update(key, { metadata: '{"__proto__":{"a":1}}' })).toBe(key);
    for (const metadata of ['{"__proto__":{"a":2}}', "{}", '{"__proto__":{}}']) {
      expect(update(key, { metadata }).metadata).toBe(metadata);
    }
  });

  it("never lets the time of the last change go back", () => {
    const key = buildKey({ updateTime: NOW + 5 });
    expect(update(key, { name: "new" }).updateTime).toBe(NOW + 5);
  });
});

describe("updateKey by a bound caller", () => {
  const byBound = (key: KeyRecord, change: KeyUpdate, now = NOW) =>
    updateKey(key, change, { now, caller: "bound-1", isBound: true });
  const BY_BOUND = { time: NOW, caller: "bound-1", isByOperator: false };

  it("remembers that no operator switched the key off", () => {
    expect(byBound(buildKey(), { isDisabled: true }).disablement).toEqual(BY_BOUND);
  });

  it("An operator's comes over it, with its own time, so that the bound caller cannot lift it.", () => {
    const off = byBound(buildKey(), { isDisabled: true });
    const both = update(off, { isDisabled: true }, NOW + 1);
    expect(both.disablement).toEqual({ time: NOW + 1, caller: CALLER, isByOperator: true });
    expect(both.revision).toBe(3);
    expect(update(both, { isDisabled: true }, NOW + 2)).toBe(both);
  });

  it("It never comes over an operator's.", () => {
    expect(byBound(FULL, { isDisabled: true })).toBe(FULL);
    expect(byBound(FULL, { isDisabled: true, name: "new" }).disablement).toEqual(DISABLEMENT);
  });

  it("Of two bound callers the first one stays.", () => {
    const off = byBound(buildKey(), { isDisabled: true });
    const again = updateKey(off, { isDisabled: true }, { now: NOW + 1, caller: "bound-2", isBound: true });
    expect(again).toBe(off);
  });

  it("What does not name the switch leaves it as it is.", () => {
    const off = byBound(buildKey(), { isDisabled: true });
    expect(byBound(off, { name: "new" }).disablement).toEqual(BY_BOUND);
    expect(update(off, { name: "new" }).disablement).toEqual(BY_BOUND);
  });
});

describe("reportLeak", () => {
  it("remembers the first report, and only that", () => {
    const key = reportLeak(buildKey(), NOW);
    expect(key).toEqual({ ...buildKey(), leakReportTime: NOW, revision: 2, updateTime: NOW });
    expect(reportLeak(key, NOW + 1)).toBe(key);
  });
});
