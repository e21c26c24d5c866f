// Covers access/rpc-scopes.ts: every rpc of the contract has a scope of Fleetkey's own, one that is
// documented, and nothing that is not an rpc has one.
import { describe, expect, it } from "vitest";
import { Authorization } from "../../gen/envoy/service/auth/v3/external_auth_pb.js";
import { EventService } from "../../gen/fleetkey/v1/event_service_pb.js";
import { KeyService } from "../../gen/fleetkey/v1/key_service_pb.js";
import { ADMIN_SCOPE, assertMayCall } from "../../src/access/authority.ts";
import { nobody, sidecarCaller } from "../../src/access/caller.ts";
import { BY_POSSESSION, BY_PROXIES, PROXY_SCOPE, RPC_SCOPES } from "../../src/access/rpc-scopes.ts";
import { FleetkeyError } from "../../src/domain/errors.ts";
import { scopeTrouble } from "../../src/domain/grant/scope.ts";

const RPCS = [KeyService, EventService, Authorization].flatMap(({ typeName, methods }) =>
  methods.map(({ name }) => `${typeName}/${name}`),
);
/** What DESIGN and README tell operators to give to callers. */
const DOCUMENTED = ["verify", "read", "create", "update", "refresh", "revoke", "import", "admin"].map(
  (name) => `fleetkey:${name}`,
);

/** The rpcs that a holder of these scopes may call, without the name of their service. */
function callableWith(scopes: readonly string[]): readonly string[] {
  return [...RPC_SCOPES]
    .filter(([, scope]) => {
      try {
        assertMayCall({ ...nobody(), id: "flk_scaller00001", scopes }, scope);
        return true;
      } catch (error) {
        if (error instanceof FleetkeyError && error.code === "permission_denied") return false;
        throw error;
      }
    })
    .map(([rpc]) => rpc.split("/")[1] ?? "");
}

describe("RPC_SCOPES", () => {
  it("has a row for each rpc of the contract, and none beside them", () => {
    expect([...RPC_SCOPES.keys()].toSorted()).toEqual(RPCS.toSorted());
    expect(RPCS.length).toBeGreaterThan(10);
  });

  it.each([...RPC_SCOPES])("of %s is a documented scope of Fleetkey's own: %s", (_, scope) => {
    expect(scope.startsWith("fleetkey:")).toBe(true);
    expect(scopeTrouble(scope)).toBeUndefined();
    expect(DOCUMENTED).toContain(scope);
  });

  it.each<[string, readonly string[]]>([
    ["fleetkey:verify", ["Verify", "BatchVerify", "VerifyStream", "Check"]],
    ["fleetkey:read", ["Get", "List", "Watch", "ListEvents"]],
    ["fleetkey:create", ["Create"]],
    ["fleetkey:update", ["Update"]],
    ["fleetkey:refresh", ["Refresh"]],
    [
      "fleetkey:revoke",
      ["Revoke", "RevokeAllForUser", "RevokeAllForOrganization", "RevokeAllForServiceAccount", "ReportLeak"],
    ],
    ["fleetkey:import", ["Import"]],
  ])("A key with %s can call exactly %j.", (scope, rpcs) => {
    expect(callableWith([scope])).toEqual(expect.arrayContaining([...rpcs]));
    expect(callableWith([scope])).toHaveLength(rpcs.length);
  });

  it.each([[[ADMIN_SCOPE]], [["fleetkey:*"]], [["orders:read", "fleetkey:admin"]]])(
    "A key with %j can call every rpc.",
    (scopes) => {
      expect(callableWith(scopes)).toHaveLength(RPCS.length);
    },
  );

  it.each([
    [[]],
    [["*"]],
    [["orders:*"]],
    [["fleetkey"]],
    [["fleetkey:"]],
    [["fleetkey:verify:*"]],
    [["fleetkey:admin:*"]],
    [["fleetkey2:*"]],
    [["admin"]],
    [["verify", "read", "create"]],
  ])("A key with %j can call none.", (scopes) => {
    expect(callableWith(scopes)).toEqual([]);
  });

  it("Who reaches the sidecar listener can verify and nothing else.", () => {
    expect(callableWith(sidecarCaller().scopes)).toEqual(["Verify", "BatchVerify", "VerifyStream", "Check"]);
  });
});

describe("BY_POSSESSION", () => {
  it("is Refresh and Revoke of one key", () => {
    const names = [...BY_POSSESSION].map((rpc) => rpc.split("/")[1]);
    expect(names.toSorted()).toEqual(["Refresh", "Revoke"]);
    for (const rpc of BY_POSSESSION) expect(RPCS).toContain(rpc);
  });
});

describe("BY_PROXIES", () => {
  it("is Check, which needs what every form of asking needs", () => {
    expect([...BY_PROXIES].map((rpc) => RPC_SCOPES.get(rpc))).toEqual([PROXY_SCOPE]);
    for (const rpc of BY_PROXIES) expect(RPCS).toContain(rpc);
  });
});
