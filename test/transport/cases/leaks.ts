// Cases of an api_key that was found where it should not be.
import { expect } from "vitest";
import { type Case, own, ref, strangeApiKey } from "./case.ts";

export const leakCases: readonly Case[] = [
  {
    title: "a reported key is revoked, and a second report finds it so",
    isBrief: true,
    steps: [
      { rpc: "Create", request: { type: "KEY_TYPE_USER", userId: own("user") }, keep: "created" },
      {
        rpc: "ReportLeak",
        request: { apiKey: ref("created.apiKey"), source: "scanner", url: "https://example.com/a/commit" },
        expect: { response: { revoked: true, keyId: ref("created.key.keyId") } },
      },
      {
        rpc: "Verify",
        request: { apiKey: ref("created.apiKey") },
        expect: { response: { valid: false, key: { revokeReason: "leaked" } } },
      },
      {
        rpc: "ReportLeak",
        request: { apiKey: ref("created.apiKey"), source: "scanner" },
        expect: { response: { revoked: true, keyId: ref("created.key.keyId") } },
      },
      {
        rpc: "ListEvents",
        request: { keyId: ref("created.key.keyId"), kind: "EVENT_KIND_KEY_REVOKED" },
        expect: {
          response: {
            events: [
              expect.objectContaining({
                reason: "leaked",
                source: "scanner",
                url: "https://example.com/a/commit",
              }),
            ],
          },
        },
      },
    ],
  },
  {
    title: "a publishable key is reported and goes on working",
    steps: [
      { rpc: "Create", request: { type: "KEY_TYPE_PUBLISHABLE" }, keep: "created" },
      {
        rpc: "ReportLeak",
        request: { apiKey: ref("created.apiKey"), source: "scanner" },
        expect: { response: { revoked: false, keyId: ref("created.key.keyId") } },
      },
      { rpc: "Verify", request: { apiKey: ref("created.apiKey") }, expect: { response: { valid: true } } },
      {
        rpc: "ListEvents",
        request: { keyId: ref("created.key.keyId"), kind: "EVENT_KIND_KEY_LEAK_REPORTED" },
        expect: { response: { events: [{ source: "scanner" }] } },
      },
    ],
  },
  {
    title: "what is no api_key of the service is told so, and an empty report is refused",
    steps: [
      {
        rpc: "ReportLeak",
        request: { apiKey: strangeApiKey(), source: "scanner" },
        expect: { response: { revoked: false }, without: ["keyId"] },
      },
      {
        rpc: "ReportLeak",
        request: { apiKey: "hello", source: "scanner" },
        expect: { response: { revoked: false }, without: ["keyId"] },
      },
      {
        rpc: "ReportLeak",
        request: { source: "x".repeat(65) },
        expect: { code: "invalid_argument", violations: ["api_key", "source"] },
      },
    ],
  },
];
