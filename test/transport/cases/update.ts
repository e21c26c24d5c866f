// Cases of changing a key: what a mask names and nothing else, switching off and on, and the end of a grace.
import { expect } from "vitest";
import { type Case, fromNow, own, ref } from "./case.ts";

const HOUR_MS = 3_600_000;

export const updateCases: readonly Case[] = [
  {
    title: "Update changes what its mask names and nothing else, and the event tells before and after",
    isBrief: true,
    steps: [
      {
        rpc: "Create",
        request: { type: "KEY_TYPE_USER", userId: own("user"), name: "before", description: "kept" },
        keep: "created",
      },
      {
        rpc: "Update",
        request: {
          key: {
            keyId: ref("created.key.keyId"),
            name: "after",
            description: "not looked at",
            metadata: { nested: { list: [1, null, { deep: "𝄞" }] }, ["__proto__"]: "kept" },
            scopes: ["orders:*"],
            rateLimit: { limit: 100, window: "60s" },
          },
          updateMask: "name,metadata,scopes,rateLimit",
        },
        keep: "updated",
        expect: {
          response: {
            key: {
              name: "after",
              description: "kept",
              metadata: { nested: { list: [1, null, { deep: "𝄞" }] } },
              scopes: ["orders:*"],
              rateLimit: { limit: 100, window: "60s" },
            },
          },
        },
      },
      {
        rpc: "Get",
        request: { keyId: ref("created.key.keyId") },
        expect: { response: { key: ref("updated.key") } },
      },
      {
        rpc: "ListEvents",
        request: { keyId: ref("created.key.keyId"), kind: "EVENT_KIND_KEY_UPDATED" },
        expect: {
          response: {
            events: [
              {
                caller: "root",
                changes: [
                  { field: "name", before: "before", after: "after" },
                  { field: "metadata" },
                  { field: "scopes", after: ["orders:*"] },
                  { field: "rate_limit", after: { limit: 100, window: "60s" } },
                ],
              },
            ],
          },
        },
      },
    ],
  },
  {
    title: "a key that is switched off is refused until it is switched on again",
    isBrief: true,
    steps: [
      { rpc: "Create", request: { type: "KEY_TYPE_USER", userId: own("user") }, keep: "created" },
      {
        rpc: "Update",
        request: { key: { keyId: ref("created.key.keyId"), disabled: true }, updateMask: "disabled" },
        expect: {
          response: { key: { disabled: true, state: "KEY_STATE_DISABLED", disableTime: expect.any(String) } },
        },
      },
      {
        rpc: "Verify",
        request: { apiKey: ref("created.apiKey") },
        expect: { response: { valid: false, denialReason: "DENIAL_REASON_DISABLED" } },
      },
      {
        rpc: "Update",
        request: { key: { keyId: ref("created.key.keyId") }, updateMask: "disabled" },
        expect: { response: { key: { state: "KEY_STATE_ACTIVE" } }, without: ["key.disableTime"] },
      },
      { rpc: "Verify", request: { apiKey: ref("created.apiKey") }, expect: { response: { valid: true } } },
    ],
  },
  {
    title: "clearing previous_expire_time ends the former secret at once",
    steps: [
      { rpc: "Create", request: { type: "KEY_TYPE_USER", userId: own("user") }, keep: "created" },
      {
        rpc: "Refresh",
        request: { keyId: ref("created.key.keyId"), grace: "3600s" },
        keep: "refreshed",
        expect: { response: { key: { generation: 2, previousExpireTime: expect.any(String) } } },
      },
      { rpc: "Verify", request: { apiKey: ref("created.apiKey") }, expect: { response: { valid: true } } },
      {
        rpc: "Update",
        request: {
          key: { keyId: ref("created.key.keyId"), previousExpireTime: fromNow(2 * HOUR_MS) },
          updateMask: "previousExpireTime",
        },
        expect: { code: "invalid_argument", violations: ["key.previous_expire_time"] },
      },
      {
        rpc: "Update",
        request: { key: { keyId: ref("created.key.keyId") }, updateMask: "previousExpireTime" },
        expect: { response: { key: { generation: 2 } }, without: ["key.previousExpireTime"] },
      },
      {
        rpc: "Verify",
        request: { apiKey: ref("created.apiKey") },
        expect: { response: { valid: false, denialReason: "DENIAL_REASON_UNKNOWN" } },
      },
      { rpc: "Verify", request: { apiKey: ref("refreshed.apiKey") }, expect: { response: { valid: true } } },
    ],
  },
  {
    title: "an old etag, a revoked key, an empty mask and wrong values are each refused by their name",
    steps: [
      { rpc: "Create", request: { type: "KEY_TYPE_USER", userId: own("user") }, keep: "created" },
      {
        rpc: "Update",
        request: { key: { keyId: ref("created.key.keyId"), name: "x" } },
        expect: { code: "invalid_argument", violations: ["update_mask"] },
      },
      {
        rpc: "Update",
        request: { key: { keyId: ref("created.key.keyId"), name: "x" }, updateMask: "name,userId" },
        expect: { code: "invalid_argument", violations: ["update_mask"] },
      },
      {
        rpc: "Update",
        request: {
          key: { keyId: ref("created.key.keyId"), scopes: ["NOT"], expireTime: fromNow(-HOUR_MS) },
          updateMask: "scopes,expireTime",
        },
        expect: { code: "invalid_argument", violations: ["key.scopes[0]", "key.expire_time"] },
      },
      {
        rpc: "Update",
        request: { key: { keyId: ref("created.key.keyId"), name: "x" }, updateMask: "name", etag: "old" },
        expect: { code: "aborted", reason: "ETAG_MISMATCH" },
      },
      { rpc: "Revoke", request: { keyId: ref("created.key.keyId") } },
      {
        rpc: "Update",
        request: { key: { keyId: ref("created.key.keyId"), name: "x" }, updateMask: "name" },
        expect: { code: "failed_precondition", reason: "KEY_REVOKED" },
      },
    ],
  },
];
