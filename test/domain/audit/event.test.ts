// Covers domain/audit/event.ts: what an event says of a changed key or a raised principal, that it holds
// nothing of a secret, that its id comes from all of its random bytes, and which kinds take something away.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Cause,
  EVENT_KINDS,
  type EventKind,
  isRevocation,
  keyEvent,
  principalEvent,
} from "../../../src/domain/audit/event.ts";
import { fieldChanges } from "../../../src/domain/audit/field-changes.ts";
import {
  buildGeneration,
  buildKey,
  buildPrincipal,
  OWNER,
  propertyRuns,
  START,
  seededBytes,
} from "../build.ts";

const CAUSE: Cause = { caller: "caller-2", address: "192.0.2.1", requestId: "request-1", reason: "left" };
const at = (seed = 1) => ({ now: START + 5, randomBytes: seededBytes(seed) });

describe("keyEvent", () => {
  it.each(EVENT_KINDS)("%s says who changed which key, when, from where and why", (kind) => {
    const key = buildKey();
    const { eventId, ...rest } = keyEvent(kind, { after: key }, CAUSE, at());
    expect(eventId).toMatch(/^evt_[0-9A-Za-z]{22}$/);
    expect(rest).toEqual({
      kind,
      time: START + 5,
      keyId: key.keyId,
      keyType: "user",
      owner: OWNER,
      changes: fieldChanges(undefined, key),
      ...CAUSE,
    });
  });

  it("No digest of a secret and no mark of a request gets into its events.", () => {
    const generation = buildGeneration({
      mac: { version: 1, value: "SECRET-mac" },
      bcrypt: "SECRET-bcrypt",
      requestKey: "SECRET-request",
    });
    const request = { key: "SECRET-key", digest: "SECRET-digest" };
    const key = buildKey({ generations: [generation], request });
    expect(JSON.stringify(key)).toContain("SECRET");
    for (const kind of EVENT_KINDS) {
      expect(JSON.stringify(keyEvent(kind, { after: key }, CAUSE, at()))).not.toContain("SECRET");
      const change = { before: buildKey(), after: key };
      expect(JSON.stringify(keyEvent(kind, change, CAUSE, at()))).not.toContain("SECRET");
    }
  });
});

describe("principalEvent", () => {
  it("says who raised which principal, when, from where and why, and names no key", () => {
    const principal = buildPrincipal(OWNER, ["left"]);
    const { eventId, ...rest } = principalEvent("principal_revoked", principal, CAUSE, at());
    expect(eventId).toMatch(/^evt_[0-9A-Za-z]{22}$/);
    const { principalId } = principal;
    expect(rest).toEqual({
      kind: "principal_revoked",
      time: START + 5,
      principalId,
      owner: OWNER,
      ...CAUSE,
    });
  });
});

describe("an event's id", () => {
  it("differs exactly when its 16 random bytes differ", () => {
    const idOf = (bytes: Uint8Array): string => {
      const randomBytes = (length: number): Uint8Array => {
        expect(length).toBe(16);
        return bytes;
      };
      return keyEvent("key_created", { after: buildKey() }, CAUSE, { now: START, randomBytes }).eventId;
    };
    const anyBytes = fc.uint8Array({ minLength: 16, maxLength: 16 });
    fc.assert(
      fc.property(anyBytes, fc.nat(127), (bytes, bit) => {
        const flipped = Uint8Array.from(bytes, (byte, index) =>
          index === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte,
        );
        expect(idOf(flipped)).not.toBe(idOf(bytes));
        expect(idOf(Uint8Array.from(bytes))).toBe(idOf(bytes));
      }),
      { numRuns: propertyRuns() },
    );
  });
});

describe("isRevocation", () => {
  const expected: Record<EventKind, boolean> = {
    key_created: false,
    key_refreshed: false,
    key_revoked: true,
    principal_revoked: true,
    key_updated: false,
    key_expiring: false,
    keys_imported: false,
    key_leak_reported: false,
    key_erased: false,
    principal_erased: false,
    key_purged: false,
  };

  it.each(EVENT_KINDS.map((kind) => [kind, expected[kind]] as const))("of %s is %s", (kind, isOne) => {
    expect(isRevocation(keyEvent(kind, { after: buildKey() }, CAUSE, at()))).toBe(isOne);
  });
});
