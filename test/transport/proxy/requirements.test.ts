// Covers transport/proxy/requirements.ts: what a route requires, by the texts of a proxy's configuration;
// a text that cannot be read never means that nothing is required.
import { describe, expect, it } from "vitest";
import { KnownRoutes } from "../../../src/transport/proxy/requirements.ts";

const routesOf = (told: string[] = []) => new KnownRoutes((trouble) => told.push(trouble));

describe("what is required", () => {
  it.each<
    [scopes: string | undefined, type: string | undefined, required: string[], expected: string | undefined]
  >([
    [undefined, undefined, [], undefined],
    ["orders:read", undefined, ["orders:read"], undefined],
    ["a,b", undefined, ["a", "b"], undefined],
    [" a b,, a ", undefined, ["a", "b"], undefined],
    ["orders:*", "user", ["orders:*"], "user"],
    [undefined, "integration", [], "integration"],
    [undefined, "user,user", [], "user"],
  ])("by %j and %j", (scopes, type, requiredScopes, expectedType) => {
    const routes = routesOf();
    for (let time = 0; time < 2; time++) {
      expect(routes.read({ scopes, type })).toEqual({ requiredScopes, expectedType });
    }
  });
});

describe("trouble", () => {
  it.each<[scopes: string | undefined, type: string | undefined, trouble: RegExp]>([
    ["", undefined, /no scope is named/],
    [" , ", "user", /no scope is named/],
    ["ORDERS", undefined, /required_scopes\[0\]: must be of a-z/],
    ["a,b*", undefined, /required_scopes\[1\]/],
    ["a;b", undefined, /required_scopes\[0\]/],
    ["s".repeat(129), undefined, /required_scopes\[0\]: must be at most 128/],
    [Array.from({ length: 65 }, (_, at) => `s${at}`).join(), undefined, /must be at most 64/],
    ["s".repeat(10_001), undefined, /too long/],
    ["a", "", /no type is named/],
    [undefined, "User", /expected_type: must be one of/],
    [undefined, "admin", /expected_type: must be one of/],
    [undefined, "KEY_TYPE_USER", /expected_type/],
    [undefined, "user,service", /only one type/],
    [undefined, "__proto__", /expected_type/],
  ])("by %.40j and %j, told once and repeating nothing", (scopes, type, trouble) => {
    const told: string[] = [];
    const routes = routesOf(told);
    for (let time = 0; time < 3; time++) {
      expect(routes.read({ scopes, type })).toEqual({ trouble: expect.stringMatching(trouble) });
    }
    expect(told).toEqual([expect.stringMatching(trouble)]);
  });

  it("is not mistaken for another route's by where one text ends and the other begins", () => {
    const routes = routesOf();
    expect(routes.read({ scopes: "a", type: "user" })).toMatchObject({ expectedType: "user" });
    expect(routes.read({ scopes: "a user", type: undefined })).toMatchObject({
      requiredScopes: ["a", "user"],
    });
    expect(routes.read({ scopes: "undefined", type: undefined })).toMatchObject({
      requiredScopes: ["undefined"],
    });
    expect(routes.read({ scopes: undefined, type: "undefined" })).toHaveProperty("trouble");
  });
});
