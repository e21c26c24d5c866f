// Covers what domain/lifecycle.ts, key-changes.ts and principal.ts know of the end of a record's own life:
// when a key's end is told of, when it ended long enough ago, and that what is purged or erased stays dead.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { keyEvent } from "../../src/domain/audit/event.ts";
import type { KeyRecord } from "../../src/domain/key.ts";
import { eraseKey, noticeExpiry, purgeKey } from "../../src/domain/key-changes.ts";
import { hasEndedFor, isExpiryNoticeDue, stateOf } from "../../src/domain/lifecycle.ts";
import {
  currentEpochs,
  endingRaise,
  erasePrincipal,
  type PrincipalRecord,
} from "../../src/domain/principal.ts";
import { buildKey, buildPrincipal, buildView, OWNER, propertyRuns, START, seededBytes } from "./build.ts";

const NOTICE_MS = 100;
const RETENTION_MS = 50;

const anyTime = fc.integer({ min: START - 200, max: START + 400 });
const anyKey: fc.Arbitrary<KeyRecord> = fc
  .record({
    expireTime: fc.option(anyTime, { nil: undefined }),
    revokeTime: fc.option(anyTime, { nil: undefined }),
    epoch: fc.constantFrom(0, START + 1_000, 7),
  })
  .map(({ expireTime, revokeTime, epoch }) =>
    buildKey({
      expireTime,
      revocation: revokeTime === undefined ? undefined : { time: revokeTime, reason: "left" },
      epochs: currentEpochs(OWNER, new Map()).map((each) => ({ ...each, epoch })),
    }),
  );
const anyPrincipals: fc.Arbitrary<readonly PrincipalRecord[]> = fc
  .tuple(fc.constantFrom(OWNER, { userId: "user-1" }), fc.integer({ min: 0, max: 2 }))
  .map(([owner, raises]) => [buildPrincipal(owner, ["first", "second"].slice(0, raises))]);
const check = (
  property: (key: KeyRecord, principals: readonly PrincipalRecord[], now: number) => void,
): void => fc.assert(fc.property(anyKey, anyPrincipals, anyTime, property), { numRuns: propertyRuns(500) });

describe("A key that ended long enough ago", () => {
  it("has ended, stays so, and ended no later than that", () => {
    check((key, principals, now) => {
      const view = buildView(key, principals);
      if (!hasEndedFor(view, RETENTION_MS, now)) return;
      expect(["revoked", "expired"]).toContain(stateOf(view, now));
      expect(hasEndedFor(view, RETENTION_MS, now + 1)).toBe(true);
      expect(hasEndedFor(view, 0, now - RETENTION_MS)).toBe(true);
    });
  });

  it("stays dead once it was chosen for removal, whatever a clock says or else is changed", () => {
    check((key, principals, now) => {
      const purged = purgeKey(key, now);
      for (const at of [0, now, Number.MAX_SAFE_INTEGER]) {
        expect(stateOf(buildView({ ...purged, expireTime: undefined }), at)).toBe("revoked");
        expect(stateOf(buildView(purged, principals), at)).toBe("revoked");
      }
      expect(purged.revocation).toEqual(key.revocation ?? { time: now, reason: "purged" });
      expect(purgeKey(purged, now + 1)).toBe(purged);
    });
  });
});

describe("A notice of expiry", () => {
  it("is due only of live keys, within its time of the end, and not again once it was given", () => {
    check((key, principals, now) => {
      const view = buildView(key, principals);
      if (!isExpiryNoticeDue(view, NOTICE_MS, now)) return;
      const end = key.expireTime ?? Number.NaN;
      expect(stateOf(view, now)).toBe("active");
      expect(now).toBeLessThan(end);
      expect(now).toBeGreaterThan(end - NOTICE_MS);
      expect(key.createTime).toBeLessThanOrEqual(end - NOTICE_MS);
      expect(isExpiryNoticeDue(buildView(noticeExpiry(key, now), principals), NOTICE_MS, now)).toBe(false);
    });
  });

  it("is due at some time of every key that lives on to its end and long enough", () => {
    const key = buildKey({ expireTime: START + NOTICE_MS });
    const times = Array.from({ length: 2 * NOTICE_MS }, (_, index) => START + index - 10);
    const due = times.filter((now) => isExpiryNoticeDue(buildView(key), NOTICE_MS, now));
    expect([due.at(0), due.at(-1), due.length]).toEqual([START + 1, START + NOTICE_MS - 1, NOTICE_MS - 1]);
  });
});

describe("An erasure", () => {
  it("of a principal keeps which keys it ended and when, and takes the user and the reasons", () => {
    check((key, principals) => {
      for (const principal of principals) {
        const erased = erasePrincipal(principal);
        const { userId: _, ...owner } = principal.owner;
        expect(erased).toMatchObject({ principalId: principal.principalId, epoch: principal.epoch });
        expect([erased.owner, erased.revision]).toEqual([owner, principal.revision + 1]);
        expect(JSON.stringify(erased)).not.toMatch(/user-1|first|second/);
        const before = endingRaise(key.epochs, buildView(key, [principal]).principals);
        const after = endingRaise(key.epochs, buildView(key, [erased]).principals);
        expect(after).toEqual(before && { ...before, reason: "" });
      }
    });
  });

  it("of a key keeps its state at any time, and its event tells nothing of what was taken", () => {
    check((made, principals, now) => {
      const key = {
        ...made,
        name: "Jane",
        description: "Jane's",
        metadata: '{"mail":"jane@"}',
        allowedCidrs: ["192.0.2.7"],
      };
      const erased = eraseKey(key, START + 500);
      expect(stateOf(buildView(erased, principals), now)).toBe(stateOf(buildView(key, principals), now));
      expect(erased.epochs).toEqual(key.epochs);
      const at = { now, randomBytes: seededBytes(1) };
      const event = keyEvent("key_erased", { before: erased, after: erased }, { caller: "root" }, at);
      expect(event.changes).toEqual([]);
      expect(JSON.stringify([erased, event])).not.toMatch(/Jane|jane|192\.0\.2\.7|user-1|left/);
    });
  });
});
