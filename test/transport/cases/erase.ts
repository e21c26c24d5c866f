// Cases of removing what is personal of a user, while the trail of what happened stays.
import { expect } from "vitest";
import { type Case, own, ref } from "./case.ts";

export const eraseCases: readonly Case[] = [
  {
    title: "an erased user's keys have ended and name nobody, and the trail of each key stays",
    isBrief: true,
    steps: [
      {
        rpc: "Create",
        request: { type: "KEY_TYPE_USER", userId: own("user"), name: "laptop", metadata: { mail: "a@b" } },
        keep: "created",
      },
      {
        rpc: "EraseUser",
        request: { userId: own("user") },
        expect: { response: { keyCount: 1, eventCount: expect.any(Number) } },
      },
      {
        rpc: "Get",
        request: { keyId: ref("created.key.keyId") },
        expect: {
          response: { key: { state: "KEY_STATE_REVOKED" } },
          without: ["key.userId", "key.name", "key.metadata"],
        },
      },
      {
        rpc: "Verify",
        request: { apiKey: ref("created.apiKey") },
        expect: { response: { valid: false, denialReason: "DENIAL_REASON_REVOKED" } },
      },
      { rpc: "List", request: { userId: own("user") }, expect: { without: ["keys.0"] } },
      { rpc: "ListEvents", request: { userId: own("user") }, expect: { without: ["events.0"] } },
      {
        rpc: "ListEvents",
        request: { keyId: ref("created.key.keyId") },
        expect: {
          response: { events: [{ kind: "EVENT_KIND_KEY_CREATED" }, { kind: "EVENT_KIND_KEY_ERASED" }] },
          without: ["events.0.userId", "events.0.changes.0", "events.0.address"],
        },
      },
      {
        rpc: "EraseUser",
        request: { userId: own("user") },
        expect: { response: {}, without: ["keyCount"] },
      },
      {
        rpc: "EraseUser",
        request: {},
        expect: { code: "invalid_argument", violations: ["user_id"] },
      },
    ],
  },
];
