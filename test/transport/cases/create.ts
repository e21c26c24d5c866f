// Cases of making a key, and of checking it right after.
import { expect } from "vitest";
import { type Case, fromNow, own, ref, strangeApiKey, tampered } from "./case.ts";

const API_KEY = expect.stringMatching(/^fl_user_prod_[0-9A-Za-z]{48}$/);
const TIME = expect.stringMatching(/^20\d\d-.*Z$/);

export const createCases: readonly Case[] = [
  {
    title: "a created key comes with its api_key once, and verifies",
    isBrief: true,
    steps: [
      {
        rpc: "Create",
        request: {
          type: "KEY_TYPE_USER",
          userId: own("user"),
          organizationId: "org-é",
          name: "laptop",
          metadata: { team: "core", limits: [1, 2.5, { deep: null }] },
        },
        keep: "created",
        expect: {
          response: {
            apiKey: API_KEY,
            key: {
              keyId: expect.stringMatching(/^flk_u[0-9A-Za-z]{11}$/),
              type: "KEY_TYPE_USER",
              state: "KEY_STATE_ACTIVE",
              userId: own("user"),
              organizationId: "org-é",
              name: "laptop",
              metadata: { team: "core", limits: [1, 2.5, { deep: null }] },
              environment: "prod",
              createTime: TIME,
              createdBy: "root",
              generation: 1,
              etag: expect.any(String),
            },
          },
          without: ["replayed", "key.expireTime", "key.revokeTime", "key.exclusive"],
        },
      },
      {
        rpc: "Verify",
        request: { apiKey: ref("created.apiKey") },
        expect: { response: { valid: true, key: ref("created.key") }, without: ["denialReason"] },
      },
      {
        rpc: "Get",
        request: { keyId: ref("created.key.keyId") },
        expect: { response: { key: ref("created.key") } },
      },
    ],
  },
  {
    title: "a key of each type that another one is expected of is refused as WRONG_TYPE",
    steps: [
      {
        rpc: "Create",
        request: { type: "KEY_TYPE_INTEGRATION", provider: "stripe", userId: own("user") },
        keep: "created",
        expect: { response: { key: { type: "KEY_TYPE_INTEGRATION", provider: "stripe" } } },
      },
      {
        rpc: "Verify",
        request: { apiKey: ref("created.apiKey"), expectedType: "KEY_TYPE_USER" },
        expect: {
          response: { valid: false, denialReason: "DENIAL_REASON_WRONG_TYPE", key: { provider: "stripe" } },
        },
      },
      {
        rpc: "Verify",
        request: { apiKey: ref("created.apiKey"), expectedType: "KEY_TYPE_INTEGRATION" },
        expect: { response: { valid: true } },
      },
    ],
  },
  {
    title: "a mistyped api_key is MALFORMED, one that nobody was given is UNKNOWN, and neither shows a key",
    steps: [
      { rpc: "Create", request: { type: "KEY_TYPE_PUBLISHABLE" }, keep: "created" },
      ...[
        { apiKey: "", reason: "MALFORMED" },
        { apiKey: "x".repeat(3_000), reason: "MALFORMED" },
        { apiKey: tampered(ref("created.apiKey"), -1), reason: "MALFORMED" },
        { apiKey: tampered(ref("created.apiKey"), 30), reason: "MALFORMED" },
        { apiKey: strangeApiKey(), reason: "UNKNOWN" },
        { apiKey: strangeApiKey("staging"), reason: "UNKNOWN" },
      ].map(({ apiKey, reason }) => ({
        rpc: "Verify" as const,
        request: { apiKey },
        expect: {
          response: { valid: false, denialReason: `DENIAL_REASON_${reason}` },
          without: ["key"],
        },
      })),
    ],
  },
  {
    title: "ttl and expire_time give the key an end",
    steps: [
      {
        rpc: "Create",
        request: { type: "KEY_TYPE_SERVICE", serviceAccountId: own("account"), ttl: "3600.5s" },
        expect: { response: { key: { expireTime: TIME, serviceAccountId: own("account") } } },
      },
      {
        rpc: "Create",
        request: { type: "KEY_TYPE_ORGANIZATION", organizationId: own("org"), expireTime: fromNow(60_000) },
        expect: { response: { key: { expireTime: TIME } } },
      },
    ],
  },
  {
    title: "a repeated request_id finds the same key without its api_key, and no other request's",
    steps: [
      {
        rpc: "Create",
        request: { type: "KEY_TYPE_USER", userId: own("user"), requestId: own("request") },
        keep: "created",
      },
      {
        rpc: "Create",
        request: { type: "KEY_TYPE_USER", userId: own("user"), requestId: own("request") },
        expect: { response: { replayed: true, key: ref("created.key") }, without: ["apiKey"] },
      },
      {
        rpc: "Create",
        request: { type: "KEY_TYPE_USER", userId: own("another"), requestId: own("request") },
        expect: { code: "invalid_argument", reason: "INVALID_ARGUMENT", violations: ["request_id"] },
      },
    ],
  },
  {
    title: "an exclusive place takes one live key, and another once that one is revoked",
    steps: [
      {
        rpc: "Create",
        request: { type: "KEY_TYPE_USER", userId: own("user"), exclusive: true },
        keep: "created",
        expect: { response: { key: { exclusive: true } } },
      },
      {
        rpc: "Create",
        request: { type: "KEY_TYPE_USER", userId: own("user"), exclusive: true },
        expect: {
          code: "already_exists",
          reason: "EXCLUSIVE_KEY_EXISTS",
          metadata: { key_id: ref("created.key.keyId") },
        },
      },
      { rpc: "Revoke", request: { keyId: ref("created.key.keyId") } },
      {
        rpc: "Create",
        request: { type: "KEY_TYPE_USER", userId: own("user"), exclusive: true },
        expect: { response: { key: { state: "KEY_STATE_ACTIVE", exclusive: true } } },
      },
    ],
  },
];
