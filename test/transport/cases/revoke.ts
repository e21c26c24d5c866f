// Cases of ending one key, and all keys of a user.
import { expect } from "vitest";
import { type Case, own, ref } from "./case.ts";

const REVOKED = { valid: false, denialReason: "DENIAL_REASON_REVOKED" };

export const revokeCases: readonly Case[] = [
  {
    title: "a revoked key is refused at once, and a repeated Revoke answers with the first one's record",
    isBrief: true,
    steps: [
      { rpc: "Create", request: { type: "KEY_TYPE_USER", userId: own("user") }, keep: "created" },
      {
        rpc: "Revoke",
        request: { keyId: ref("created.key.keyId"), reason: "lost laptop" },
        keep: "revoked",
        expect: {
          response: {
            key: {
              state: "KEY_STATE_REVOKED",
              revokeReason: "lost laptop",
              revokeTime: expect.any(String),
            },
          },
        },
      },
      {
        rpc: "Verify",
        request: { apiKey: ref("created.apiKey") },
        expect: { response: { ...REVOKED, key: ref("revoked.key") } },
      },
      {
        rpc: "Revoke",
        request: { keyId: ref("created.key.keyId"), reason: "another" },
        expect: { response: { key: ref("revoked.key") } },
      },
    ],
  },
  {
    title: "RevokeAllForUser ends the user's keys of every type, now and once, and lets new ones live",
    steps: [
      { rpc: "Create", request: { type: "KEY_TYPE_USER", userId: own("user") }, keep: "first" },
      {
        rpc: "Create",
        request: { type: "KEY_TYPE_ORGANIZATION", userId: own("user"), organizationId: "org-1" },
        keep: "second",
      },
      { rpc: "Create", request: { type: "KEY_TYPE_USER", userId: own("other") }, keep: "other" },
      {
        rpc: "RevokeAllForUser",
        request: { userId: own("user"), reason: "left", requestId: own("request") },
        expect: { response: { revokedCount: 2 } },
      },
      {
        rpc: "Verify",
        request: { apiKey: ref("first.apiKey") },
        expect: { response: { ...REVOKED, key: { state: "KEY_STATE_REVOKED", revokeReason: "left" } } },
      },
      { rpc: "Verify", request: { apiKey: ref("second.apiKey") }, expect: { response: REVOKED } },
      { rpc: "Verify", request: { apiKey: ref("other.apiKey") }, expect: { response: { valid: true } } },
      { rpc: "Create", request: { type: "KEY_TYPE_USER", userId: own("user") }, keep: "later" },
      {
        rpc: "RevokeAllForUser",
        request: { userId: own("user"), reason: "left", requestId: own("request") },
        expect: { response: { revokedCount: 2 } },
      },
      { rpc: "Verify", request: { apiKey: ref("later.apiKey") }, expect: { response: { valid: true } } },
    ],
  },
  {
    title: "RevokeAllForUser within an organization spares the user's other keys",
    steps: [
      {
        rpc: "Create",
        request: { type: "KEY_TYPE_USER", userId: own("user"), organizationId: "org-1" },
        keep: "inside",
      },
      { rpc: "Create", request: { type: "KEY_TYPE_USER", userId: own("user") }, keep: "outside" },
      {
        rpc: "RevokeAllForUser",
        request: { userId: own("user"), organizationId: "org-1" },
        expect: { response: { revokedCount: 1 } },
      },
      { rpc: "Verify", request: { apiKey: ref("inside.apiKey") }, expect: { response: REVOKED } },
      { rpc: "Verify", request: { apiKey: ref("outside.apiKey") }, expect: { response: { valid: true } } },
    ],
  },
  {
    title: "RevokeAllForUser of a user without keys ends none",
    steps: [
      { rpc: "RevokeAllForUser", request: { userId: own("user") }, expect: { without: ["revokedCount"] } },
    ],
  },
  {
    title: "a key that is not there can not be revoked, refreshed or read",
    steps: (["Revoke", "Refresh", "Get"] as const).map((rpc) => ({
      rpc,
      request: { keyId: "flk_uAAAAAAAAAAA" },
      expect: { code: "not_found", reason: "KEY_NOT_FOUND" },
    })),
  },
];
