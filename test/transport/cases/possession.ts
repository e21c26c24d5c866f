// Cases of calls that nothing but an api_key stands behind.
import { type Case, own, ref, type Step, strangeApiKey, tampered } from "./case.ts";

const created: Step = {
  rpc: "Create",
  request: { type: "KEY_TYPE_USER", userId: own("user") },
  keep: "created",
};

const REFUSED = { code: "unauthenticated", reason: "CREDENTIAL_REQUIRED" };

export const possessionCases: readonly Case[] = [
  {
    title: "the holder of an api_key refreshes the key with it, and is the caller of the event",
    isBrief: true,
    steps: [
      created,
      {
        rpc: "Refresh",
        as: "none",
        request: { apiKey: ref("created.apiKey"), grace: "60s" },
        keep: "refreshed",
        expect: { response: { key: { keyId: ref("created.key.keyId"), generation: 2 } } },
      },
      { rpc: "Verify", request: { apiKey: ref("refreshed.apiKey") }, expect: { response: { valid: true } } },
      {
        rpc: "ListEvents",
        request: { keyId: ref("created.key.keyId"), kind: "EVENT_KIND_KEY_REFRESHED" },
        expect: { response: { events: [{ caller: ref("created.key.keyId") }] } },
      },
    ],
  },
  {
    title: "an api_key within its grace no longer refreshes the key, but revokes it",
    steps: [
      created,
      {
        rpc: "Refresh",
        as: "none",
        request: { apiKey: ref("created.apiKey"), grace: "60s" },
        keep: "refreshed",
      },
      {
        rpc: "Refresh",
        as: "none",
        request: { apiKey: ref("created.apiKey") },
        expect: { code: "failed_precondition", reason: "SECRET_SUPERSEDED" },
      },
      {
        rpc: "Revoke",
        as: "none",
        request: { apiKey: ref("created.apiKey") },
        expect: { response: { key: { state: "KEY_STATE_REVOKED" } } },
      },
      { rpc: "Verify", request: { apiKey: ref("refreshed.apiKey") }, expect: { response: { valid: false } } },
    ],
  },
  {
    title: "the holder of an api_key revokes the key with it, also twice",
    steps: [
      created,
      ...["found in a log", "again"].map(
        (reason): Step => ({
          rpc: "Revoke",
          as: "none",
          request: { apiKey: ref("created.apiKey"), reason },
          expect: { response: { key: { state: "KEY_STATE_REVOKED", revokeReason: "found in a log" } } },
        }),
      ),
      {
        rpc: "Refresh",
        as: "none",
        request: { apiKey: ref("created.apiKey") },
        expect: { code: "failed_precondition", reason: "KEY_REVOKED" },
      },
    ],
  },
  {
    title: "an api_key that opens nothing is no credential, whatever is wrong with it",
    steps: [
      created,
      ...(["Refresh", "Revoke"] as const).flatMap((rpc) =>
        [strangeApiKey(), strangeApiKey("staging"), tampered(ref("created.apiKey"), -1), "x"].map(
          (apiKey): Step => ({ rpc, as: "none", request: { apiKey }, expect: REFUSED }),
        ),
      ),
    ],
  },
  {
    title: "a key_id or an owner is no credential, be the key there or not",
    steps: [
      created,
      ...(["Refresh", "Revoke"] as const).flatMap((rpc) =>
        [
          { keyId: ref("created.key.keyId") },
          { keyId: "flk_uAAAAAAAAAAA" },
          { owner: { type: "KEY_TYPE_USER", userId: own("user") } },
        ].map((request): Step => ({ rpc, as: "none", request, expect: REFUSED })),
      ),
    ],
  },
  {
    title: "a wrong credential beside a right api_key is refused, and nothing changes",
    steps: [
      created,
      ...(["wrong", "wrong X-API-Key", "Basic", "two different"] as const).flatMap((as) =>
        (["Refresh", "Revoke"] as const).map(
          (rpc): Step => ({
            rpc,
            as,
            request: { apiKey: ref("created.apiKey") },
            expect: { code: "unauthenticated", reason: "CREDENTIAL_INVALID" },
          }),
        ),
      ),
      { rpc: "Verify", request: { apiKey: ref("created.apiKey") }, expect: { response: { valid: true } } },
    ],
  },
  {
    title: "possession of a publishable key proves nothing",
    steps: [
      { rpc: "Create", request: { type: "KEY_TYPE_PUBLISHABLE" }, keep: "created" },
      ...(["Refresh", "Revoke"] as const).map(
        (rpc): Step => ({
          rpc,
          as: "none",
          request: { apiKey: ref("created.apiKey") },
          expect: { code: "permission_denied", reason: "KEY_IS_PUBLIC" },
        }),
      ),
      { rpc: "Verify", request: { apiKey: ref("created.apiKey") }, expect: { response: { valid: true } } },
    ],
  },
  {
    title: "with a credential an api_key names its key, and one that opens nothing is not found",
    steps: [
      created,
      {
        rpc: "Revoke",
        request: { apiKey: strangeApiKey() },
        expect: { code: "not_found", reason: "KEY_NOT_FOUND" },
      },
      {
        rpc: "Revoke",
        request: { apiKey: ref("created.apiKey") },
        expect: { response: { key: { keyId: ref("created.key.keyId") } } },
      },
    ],
  },
];
