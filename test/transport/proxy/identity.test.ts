// Covers transport/proxy/identity.ts: who the owner is as headers that can hold it, that every header of the
// list is either set or removed, and where the key itself goes.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { IDENTITY_HEADERS } from "../../../src/transport/proxy/checked-headers.ts";
import { headerText, Identities } from "../../../src/transport/proxy/identity.ts";
import { buildKey, propertyRuns } from "../../domain/build.ts";

const ROLES = new Map([["reader", ["orders:read", "invoices:read"]]]);
const NAMES = Object.values(IDENTITY_HEADERS);

const identityOf = (overrides: Parameters<typeof buildKey>[0], stripsKey = true) =>
  new Identities(ROLES, stripsKey).of({ key: buildKey(overrides), principals: new Map() });

describe("an id as a header", () => {
  it.each([
    ["user-1", "user-1"],
    ["auth0|64f", "auth0|64f"],
    ["alice@example.com", "alice@example.com"],
    ["a,b", "a%2Cb"],
    ["100%", "100%25"],
    ["%2C", "%252C"],
    ["Jörg Müller", "J%C3%B6rg%20M%C3%BCller"],
    ["用户", "%E7%94%A8%E6%88%B7"],
    ["a\r\nx-fleetkey-scopes: *", "a%0D%0Ax-fleetkey-scopes:%20*"],
    ["\u007f\u0000", "%7F%00"],
    ["\u{1f511}", "%F0%9F%94%91"],
  ])("%j is %j", (id, text) => {
    expect(headerText(id)).toBe(text);
  });

  it("is visible ASCII without a comma, and reads back as what it was", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (id) => {
        const text = headerText(id);
        expect(text).toMatch(/^[\x21-\x2b\x2d-\x7e]*$/);
        expect(decodeURIComponent(text)).toBe(id);
      }),
      { numRuns: propertyRuns() },
    );
  });
});

describe("an identity", () => {
  it("of a key with all that there is says all of it", () => {
    const owner = { userId: "user-1", organizationId: "org-1", serviceAccountId: "account-1" };
    const { headers, fields, removed } = identityOf({
      owner,
      provider: "stripe",
      scopes: ["orders:read", "a:*"],
      roles: ["reader", "gone"],
    });
    expect(Object.fromEntries(headers)).toEqual({
      "x-fleetkey-key-id": fields["key_id"],
      "x-fleetkey-key-type": "user",
      "x-fleetkey-user": "user-1",
      "x-fleetkey-organization": "org-1",
      "x-fleetkey-service-account": "account-1",
      "x-fleetkey-scopes": "orders:read a:* invoices:read",
      "x-fleetkey-provider": "stripe",
    });
    expect(fields).toEqual({
      key_id: expect.stringMatching(/^flk_/),
      key_type: "user",
      user_id: "user-1",
      organization_id: "org-1",
      service_account_id: "account-1",
      provider: "stripe",
      scopes: ["orders:read", "a:*", "invoices:read"],
    });
    expect(removed[0]).toEqual(["x-fleetkey-authorization"]);
  });

  it.each([
    [{ userId: "user-1" }],
    [{ userId: "", organizationId: "org-1" }],
    [{ serviceAccountId: "account-1" }],
    [{}],
  ])("of %j sets or removes every header of the list, none of them both", (owner) => {
    const { headers, removed } = identityOf({ owner, provider: undefined, scopes: [] });
    const set = headers.map(([name]) => name);
    for (const names of removed) {
      expect([...set, ...names].filter((name) => NAMES.includes(name as never)).toSorted()).toEqual(
        NAMES.toSorted(),
      );
    }
    expect(headers.every(([, value]) => value !== "")).toBe(true);
  });

  it("removes the key from where it stood, and only when it is told to", () => {
    const keyHeaders = (names: readonly string[] = []) =>
      names.filter((name) => ["authorization", "x-api-key", "apikey"].includes(name));
    const stripped = identityOf({});
    expect(keyHeaders(stripped.removed[1])).toEqual(["authorization"]);
    expect(keyHeaders(stripped.removed[2])).toEqual(["x-api-key"]);
    expect(keyHeaders(stripped.removed[4])).toEqual(["apikey"]);
    expect(keyHeaders(stripped.removed[7])).toEqual(["authorization", "x-api-key", "apikey"]);
    for (const names of identityOf({}, false).removed) expect(keyHeaders(names)).toEqual([]);
  });
});
