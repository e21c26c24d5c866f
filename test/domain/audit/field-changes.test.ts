// Covers domain/audit/field-changes.ts: what an event says that a change made different in a key, in the
// names and values of the proto; nothing that callers cannot see of a key gets into it.
import { describe, expect, it } from "vitest";
import { fieldChanges } from "../../../src/domain/audit/field-changes.ts";
import type { KeyRecord } from "../../../src/domain/key.ts";
import { buildGeneration, buildKey, DISABLEMENT, START } from "../build.ts";

const KEY = buildKey({ name: "" });
const TIME = "2030-01-01T00:00:00.000Z";

/** A field, and its JSON before and after; undefined when it had or has none. */
type Row = readonly [field: string, change: Partial<KeyRecord>, json: string];

const ROWS: readonly Row[] = [
  ["name", { name: "laptop" }, '"laptop"'],
  ["description", { description: "é" }, '"é"'],
  ["metadata", { metadata: '{"__proto__":{"a":[null]}}' }, '{"__proto__":{"a":[null]}}'],
  ["scopes", { scopes: ["orders:read"] }, '["orders:read"]'],
  ["roles", { roles: ["reader"] }, '["reader"]'],
  ["provider", { provider: "stripe" }, '"stripe"'],
  ["expire_time", { expireTime: START }, `"${TIME}"`],
  ["disabled", { disablement: DISABLEMENT }, "true"],
  ["revoke_time", { revocation: { time: START, reason: "" } }, `"${TIME}"`],
  ["allowed_cidrs", { allowedCidrs: ["::1"] }, '["::1"]'],
  ["rate_limit", { rateLimit: { limit: 5, windowMs: 1_500 } }, '{"limit":5,"window":"1.5s"}'],
  ["quota", { quota: { limit: 5, period: "day" } }, '{"limit":5,"period":"QUOTA_PERIOD_DAY"}'],
  ["exclusive", { slot: { id: "slot", number: 1 } }, "true"],
];

describe("fieldChanges", () => {
  it.each(ROWS)("tells of %s when it comes, goes and stays", (field, change, json) => {
    const changed = { ...KEY, ...change };
    expect(fieldChanges(KEY, changed)).toEqual([{ field, after: json }]);
    expect(fieldChanges(changed, KEY)).toEqual([{ field, before: json }]);
    expect(fieldChanges(changed, { ...changed })).toEqual([]);
  });

  it("tells of a revocation with its reason", () => {
    const revoked = { ...KEY, revocation: { time: START, reason: "leaked" } };
    expect(fieldChanges(KEY, revoked)).toEqual([
      { field: "revoke_time", after: `"${TIME}"` },
      { field: "revoke_reason", after: '"leaked"' },
    ]);
  });

  it("tells of a new secret, and of the end of the one before it", () => {
    const newest = buildGeneration({ number: 2 });
    const former = buildGeneration({ endTime: START });
    const refreshed: KeyRecord = { ...KEY, generations: [newest, former] };
    expect(fieldChanges(KEY, refreshed)).toEqual([
      { field: "generation", before: "1", after: "2" },
      { field: "previous_expire_time", after: `"${TIME}"` },
    ]);
    expect(fieldChanges(refreshed, { ...KEY, generations: [newest] })).toEqual([
      { field: "previous_expire_time", before: `"${TIME}"` },
    ]);
  });

  it("tells of both values when there are two", () => {
    const change = { field: "name", before: '"a"', after: '"b"' };
    expect(fieldChanges({ ...KEY, name: "a" }, { ...KEY, name: "b" })).toEqual([change]);
  });

  it("sees no change in the order of metadata, and one in that of a list", () => {
    const [a, b] = ['{"a":1,"b":[1,2]}', '{"b":[1,2],"a":1}'];
    expect(fieldChanges({ ...KEY, metadata: a }, { ...KEY, metadata: b })).toEqual([]);
    const scopes = ["a", "b"];
    expect(fieldChanges({ ...KEY, scopes }, { ...KEY, scopes: scopes.toReversed() })).toHaveLength(1);
  });

  it("tells of a new key all that it has, and nothing of what it has not", () => {
    expect(fieldChanges(undefined, KEY)).toEqual([{ field: "generation", after: "1" }]);
    const full: KeyRecord = Object.assign({ ...KEY }, ...ROWS.map(([, change]) => change));
    const fields = fieldChanges(undefined, full).map(({ field }) => field);
    expect(fields.toSorted()).toEqual([...ROWS.map(([field]) => field), "generation"].toSorted());
  });

  it("The program's own marks are no changes.", () => {
    const marks = { noticedExpireTime: START, leakReportTime: START, purgeTime: START };
    const request = { key: "request-key", digest: "digest" };
    expect(fieldChanges(KEY, { ...KEY, ...marks, request, revision: 9, updateTime: START + 9 })).toEqual([]);
    const generations = [buildGeneration({ mac: { version: 9, value: "another" } })] as const;
    expect(fieldChanges(KEY, { ...KEY, generations })).toEqual([]);
  });
});
