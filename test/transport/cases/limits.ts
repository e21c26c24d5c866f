// Cases of how often a key may be used: rate limit and quota, and what an answer tells of them.
import { type Case, own, ref } from "./case.ts";

export const limitCases: readonly Case[] = [
  {
    title: "a key is refused past its rate limit, and told how much is left",
    isBrief: true,
    steps: [
      {
        rpc: "Create",
        request: { type: "KEY_TYPE_USER", userId: own("user"), rateLimit: { limit: 2, window: "86400s" } },
        keep: "created",
        expect: { response: { key: { rateLimit: { limit: 2, window: "86400s" } } } },
      },
      {
        rpc: "Verify",
        request: { apiKey: ref("created.apiKey") },
        expect: {
          response: { valid: true, rateLimitStatus: { limit: 2, remaining: 1 } },
          without: ["quotaStatus"],
        },
      },
      {
        rpc: "Verify",
        request: { apiKey: ref("created.apiKey"), requiredScopes: ["none"] },
        expect: { response: { valid: false }, without: ["rateLimitStatus"] },
      },
      {
        rpc: "Verify",
        request: { apiKey: ref("created.apiKey") },
        expect: { response: { valid: true, rateLimitStatus: { limit: 2, remaining: 0 } } },
      },
      {
        rpc: "Verify",
        request: { apiKey: ref("created.apiKey") },
        expect: {
          response: {
            valid: false,
            denialReason: "DENIAL_REASON_RATE_LIMITED",
            rateLimitStatus: { limit: 2, remaining: 0 },
          },
        },
      },
    ],
  },
  {
    title: "a key is refused past its quota",
    isBrief: true,
    steps: [
      {
        rpc: "Create",
        request: {
          type: "KEY_TYPE_USER",
          userId: own("user"),
          quota: { limit: 2, period: "QUOTA_PERIOD_NONE" },
        },
        keep: "created",
        expect: { response: { key: { quota: { limit: 2, period: "QUOTA_PERIOD_NONE" } } } },
      },
      {
        rpc: "BatchVerify",
        request: { requests: [{ apiKey: ref("created.apiKey") }] },
        expect: { response: { responses: [{ verify: { valid: true } }] } },
      },
      {
        rpc: "Verify",
        request: { apiKey: ref("created.apiKey") },
        expect: {
          response: { valid: true, quotaStatus: { limit: 2, remaining: 0 } },
          without: ["quotaStatus.reset"],
        },
      },
      {
        rpc: "Verify",
        request: { apiKey: ref("created.apiKey") },
        expect: {
          response: {
            valid: false,
            denialReason: "DENIAL_REASON_QUOTA_EXCEEDED",
            quotaStatus: { limit: 2, remaining: 0 },
          },
        },
      },
    ],
  },
  {
    title: "limits that are none are refused by their place",
    steps: [
      {
        rpc: "Create",
        request: {
          type: "KEY_TYPE_USER",
          userId: own("user"),
          rateLimit: { limit: 0, window: "0.5s" },
          quota: { limit: 0 },
        },
        expect: {
          code: "invalid_argument",
          violations: ["rate_limit.limit", "rate_limit.window", "quota.limit", "quota.period"],
        },
      },
    ],
  },
];
