// Keys that are callers: only an administrator makes or touches them, wherever they lie; and they are judged
// with every call like any other key, by their state, their addresses and their limits.
import type { JsonObject } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningService, runService } from "../../running-service.ts";
import { KINDS } from "./callers.ts";
import { COLUMNS, signOf } from "./columns.ts";
import type { CallerKind, ColumnName } from "./matrix.ts";
import { type MatrixClient, overJson } from "./matrix-client.ts";
import { asRoot, importRecord, newWorld, type Owner, type Resource, ROOT, type Tenant } from "./world.ts";

const FORMATS = JSON.stringify([{ name: "legacy", type: "service", pattern: "lk-[0-9-]{3,60}" }]);
const SCOPES = ["fleetkey:read"];
const TOUCHING = [
  "Update",
  "Refresh",
  "Revoke",
  "Refresh by api_key",
  "ReportLeak",
  "Get",
  "Verify",
] as const;

/** What becomes of TOUCHING, Create and Import: of a caller's key within the bounds, and of one outside. */
// biome-ignore format: columns stand below each other
const TABLE: Partial<Record<CallerKind, readonly [within: string, outside: string]>> = {
  "root":               ["+++++++ ++", "+++++++ ++"],
  "admin":              ["+++++++ ++", "+++++++ ++"],
  "admin of an org":    ["+++++++ ++", "????0?0 !!"],
  "of a user":          ["!!!!+++ !!", "????0?0 !!"],
  "both, other user":   ["!!!!+++ !!", "????0?0 !!"],
  "update":             ["!!!!!!! !!", "!!!!!!! !!"],
};

let service: RunningService;
let client: MatrixClient;
beforeAll(async () => {
  service = await runService({ FLEETKEY_ENVIRONMENT: "prod", FLEETKEY_FOREIGN_FORMATS: FORMATS });
  client = overJson(service.url);
});
afterAll(async () => {
  client.close();
  await service.stop();
});

async function rowOf(kind: CallerKind, which: "own" | "foreign"): Promise<string> {
  const { foreign, headers } = KINDS[kind];
  const world = await newWorld(client, foreign);
  const shown = await headers(client, world);
  const tenant: Tenant = which === "own" ? { user: "a", org: "a" } : foreign;
  const sign = async (name: ColumnName, request: JsonObject) =>
    signOf(COLUMNS[name], await client.call(COLUMNS[name].rpc, request, shown));
  let signs = "";
  for (const name of TOUCHING) {
    signs += await sign(name, COLUMNS[name].ask(await callerKey(world.ownerOf(tenant))));
  }
  const owner = world.ownerOf(tenant);
  const created = await sign("Create", { type: "KEY_TYPE_SERVICE", ...owner, scopes: SCOPES });
  const imported = await sign("Import", { records: [{ ...importRecord(owner), scopes: SCOPES }] });
  return `${signs} ${created}${imported}`;
}

async function callerKey(owner: Partial<Owner>, more: JsonObject = {}): Promise<Resource> {
  const ask = { type: "KEY_TYPE_SERVICE", ...owner, scopes: SCOPES, ...more };
  const { apiKey, key } = await asRoot(client, "Create", ask);
  return { apiKey, keyId: key.keyId, owner: owner as Owner, principals: owner as Owner };
}

describe("only an administrator makes and touches keys with fleetkey: scopes", () => {
  it.each(Object.entries(TABLE))("%s: %j", async (kind, [within, outside]) => {
    expect(await rowOf(kind as CallerKind, "own")).toBe(within);
    expect(await rowOf(kind as CallerKind, "foreign")).toBe(outside);
  });
});

describe("a key that calls is judged with every call", () => {
  const codeOf = async (apiKey: string) =>
    (await client.call("List", { pageSize: 1 }, { "x-api-key": apiKey })).code;
  const change = (key: JsonObject, updateMask: string) => asRoot(client, "Update", { key, updateMask });

  it("off and on again", async () => {
    const { apiKey, keyId } = await callerKey({ serviceAccountId: "off" });
    expect(await codeOf(apiKey)).toBe("ok");
    await change({ keyId, disabled: true }, "disabled");
    expect(await codeOf(apiKey)).toBe("unauthenticated");
    await change({ keyId }, "disabled");
    expect(await codeOf(apiKey)).toBe("ok");
  });

  it("by its scopes as they are now", async () => {
    const { apiKey, keyId } = await callerKey({ serviceAccountId: "narrowed" });
    await change({ keyId, scopes: ["fleetkey:verify"] }, "scopes");
    expect(await codeOf(apiKey)).toBe("permission_denied");
  });

  it("by the end of all keys of its owner", async () => {
    const { apiKey } = await callerKey({ serviceAccountId: "ended" });
    await client.call("RevokeAllForServiceAccount", { serviceAccountId: "ended" }, ROOT);
    expect(await codeOf(apiKey)).toBe("unauthenticated");
  });

  it("by the addresses that it works from, as its connection has them", async () => {
    const here = await callerKey({ serviceAccountId: "here" }, { allowedCidrs: ["127.0.0.0/8"] });
    const elsewhere = await callerKey({ serviceAccountId: "elsewhere" }, { allowedCidrs: ["192.0.2.0/24"] });
    expect(await codeOf(here.apiKey)).toBe("ok");
    expect(await codeOf(elsewhere.apiKey)).toBe("unauthenticated");
    const claimed = {
      "x-api-key": elsewhere.apiKey,
      "x-forwarded-for": "192.0.2.7",
      forwarded: "for=192.0.2.7",
    };
    expect((await client.call("List", {}, claimed)).code).toBe("unauthenticated");
  });

  it("by its limits, which its calls use up", async () => {
    const quota = { limit: 2, period: "QUOTA_PERIOD_MONTH" };
    const { apiKey } = await callerKey({ serviceAccountId: "limited" }, { quota });
    const codes = [await codeOf(apiKey), await codeOf(apiKey), await codeOf(apiKey)];
    expect(codes).toEqual(["ok", "ok", "resource_exhausted"]);
  });

  it("by its newest secret, and the former one within its grace", async () => {
    const { apiKey, keyId } = await callerKey({ serviceAccountId: "refreshed" });
    const { response } = await client.call("Refresh", { apiKey, grace: "60s" }, {});
    const newest = String(response?.["apiKey"]);
    expect([await codeOf(apiKey), await codeOf(newest)]).toEqual(["ok", "ok"]);
    await change({ keyId }, "previousExpireTime");
    expect([await codeOf(apiKey), await codeOf(newest)]).toEqual(["unauthenticated", "ok"]);
  });
});
