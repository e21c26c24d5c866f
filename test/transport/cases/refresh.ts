// Cases of issuing a new secret under the same key_id.
import { expect } from "vitest";
import { type Case, own, ref } from "./case.ts";

const create = (keep: string) =>
  ({ rpc: "Create", request: { type: "KEY_TYPE_USER", userId: own("user") }, keep }) as const;

const verify = (path: string, response: Readonly<Record<string, unknown>>) =>
  ({ rpc: "Verify", request: { apiKey: ref(path) }, expect: { response } }) as const;

const VALID = { valid: true };
const UNKNOWN = { valid: false, denialReason: "DENIAL_REASON_UNKNOWN" };

export const refreshCases: readonly Case[] = [
  {
    title: "without grace the old api_key ends at once and the new one works",
    isBrief: true,
    steps: [
      create("created"),
      {
        rpc: "Refresh",
        request: { keyId: ref("created.key.keyId") },
        keep: "refreshed",
        expect: {
          response: {
            apiKey: expect.stringMatching(/^fl_user_prod_/),
            key: { keyId: ref("created.key.keyId"), generation: 2 },
          },
          without: ["key.previousExpireTime"],
        },
      },
      verify("created.apiKey", UNKNOWN),
      verify("refreshed.apiKey", VALID),
    ],
  },
  {
    title: "within the grace both api_keys work, and a second Refresh ends the oldest",
    steps: [
      create("created"),
      {
        rpc: "Refresh",
        request: { keyId: ref("created.key.keyId"), grace: "60s" },
        keep: "second",
        expect: { response: { key: { generation: 2, previousExpireTime: expect.any(String) } } },
      },
      verify("created.apiKey", VALID),
      verify("second.apiKey", VALID),
      { rpc: "Refresh", request: { keyId: ref("created.key.keyId"), grace: "604800s" }, keep: "third" },
      verify("created.apiKey", UNKNOWN),
      verify("second.apiKey", VALID),
      verify("third.apiKey", VALID),
    ],
  },
  {
    title: "a repeated request_id replaces only the newest secret",
    steps: [
      create("created"),
      {
        rpc: "Refresh",
        request: { keyId: ref("created.key.keyId"), grace: "60s", requestId: "retry" },
        keep: "lost",
      },
      {
        rpc: "Refresh",
        request: { keyId: ref("created.key.keyId"), grace: "60s", requestId: "retry" },
        keep: "again",
      },
      verify("created.apiKey", VALID),
      verify("lost.apiKey", UNKNOWN),
      verify("again.apiKey", VALID),
    ],
  },
  {
    title: "an etag that is no longer current stops the Refresh",
    steps: [
      create("created"),
      {
        rpc: "Refresh",
        request: { keyId: ref("created.key.keyId"), etag: ref("created.key.etag") },
        keep: "refreshed",
      },
      {
        rpc: "Refresh",
        request: { keyId: ref("created.key.keyId"), etag: ref("created.key.etag") },
        expect: { code: "aborted", reason: "ETAG_MISMATCH" },
      },
      verify("refreshed.apiKey", VALID),
    ],
  },
  {
    title: "a grace of over 7 days, and one below zero, are refused",
    steps: [
      create("created"),
      ...["604800.001s", "-1s"].map((grace) => ({
        rpc: "Refresh" as const,
        request: { keyId: ref("created.key.keyId"), grace },
        expect: { code: "invalid_argument", reason: "INVALID_ARGUMENT", violations: ["grace"] },
      })),
    ],
  },
  {
    title: "a revoked key is not refreshed",
    steps: [
      create("created"),
      { rpc: "Revoke", request: { keyId: ref("created.key.keyId") } },
      {
        rpc: "Refresh",
        request: { keyId: ref("created.key.keyId") },
        expect: { code: "failed_precondition", reason: "KEY_REVOKED" },
      },
    ],
  },
];
