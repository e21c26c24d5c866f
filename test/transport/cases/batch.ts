// Cases of many api_keys in one call.
import { expect } from "vitest";
import { type Case, own, ref, strangeApiKey } from "./case.ts";

const INVALID_ARGUMENT = 3;

export const batchCases: readonly Case[] = [
  {
    title: "BatchVerify answers in order, and a request that is none fails alone, with its details",
    isBrief: true,
    steps: [
      { rpc: "Create", request: { type: "KEY_TYPE_USER", userId: own("user") }, keep: "created" },
      {
        rpc: "BatchVerify",
        request: {
          requests: [
            { apiKey: ref("created.apiKey") },
            { apiKey: strangeApiKey() },
            { apiKey: ref("created.apiKey"), requiredScopes: ["NOT"] },
            { apiKey: ref("created.apiKey"), expectedType: "KEY_TYPE_SERVICE" },
          ],
        },
        expect: {
          response: {
            responses: [
              { verify: expect.objectContaining({ valid: true }) },
              { verify: { valid: false, denialReason: "DENIAL_REASON_UNKNOWN" } },
              {
                error: expect.objectContaining({
                  code: INVALID_ARGUMENT,
                  details: expect.arrayContaining([
                    expect.objectContaining({ reason: "INVALID_ARGUMENT", domain: "fleetkey" }),
                  ]),
                }),
              },
              { verify: expect.objectContaining({ denialReason: "DENIAL_REASON_WRONG_TYPE" }) },
            ],
          },
        },
      },
    ],
  },
  {
    title: "BatchVerify takes 1,000 requests and not one more",
    steps: [
      {
        rpc: "BatchVerify",
        request: { requests: Array.from({ length: 1_001 }, () => ({ apiKey: "x" })) },
        expect: { code: "invalid_argument", violations: ["requests"] },
      },
    ],
  },
];
