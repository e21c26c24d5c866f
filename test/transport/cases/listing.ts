// Cases of paging: keys by List, changes by ListEvents.
import { expect } from "vitest";
import { type Case, fromNow, own, ref, type Step, tampered } from "./case.ts";

const TOKEN_REFUSED = { code: "invalid_argument", reason: "INVALID_ARGUMENT", violations: ["page_token"] };

const HOUR_MS = 3_600_000;

const createOf = (type: string, keep: string, more = {}): Step => ({
  rpc: "Create",
  request: { type, userId: own("user"), ...more },
  keep,
});

const threeKeys: readonly Step[] = [
  createOf("KEY_TYPE_USER", "a"),
  createOf("KEY_TYPE_ORGANIZATION", "b", { organizationId: "org-1" }),
  createOf("KEY_TYPE_USER", "c"),
];

export const listingCases: readonly Case[] = [
  {
    title: "List pages through the keys of all types, each once",
    steps: [
      ...threeKeys,
      {
        rpc: "List",
        request: { userId: own("user"), pageSize: 2 },
        keep: "first",
        expect: { response: { keys: [{}, {}], nextPageToken: expect.any(String) } },
      },
      {
        rpc: "List",
        request: { userId: own("user"), pageSize: 2, pageToken: ref("first.nextPageToken") },
        keep: "second",
        expect: { response: { keys: [{}] }, without: ["nextPageToken"] },
      },
      {
        rpc: "List",
        request: { userId: own("user") },
        expect: {
          response: { keys: [ref("first.keys.0"), ref("first.keys.1"), ref("second.keys.0")] },
          without: ["nextPageToken"],
        },
      },
    ],
  },
  {
    title: "List narrows by type and by state",
    steps: [
      ...threeKeys,
      { rpc: "Revoke", request: { keyId: ref("c.key.keyId") } },
      {
        rpc: "List",
        request: { userId: own("user"), type: "KEY_TYPE_USER", state: "KEY_STATE_REVOKED" },
        expect: { response: { keys: [{ keyId: ref("c.key.keyId") }] } },
      },
      {
        rpc: "List",
        request: { userId: own("user"), type: "KEY_TYPE_SERVICE" },
        expect: { without: ["keys", "nextPageToken"] },
      },
    ],
  },
  {
    title: "List narrows by name, by a near end, and by how long a key was not used",
    steps: [
      {
        rpc: "Create",
        request: { type: "KEY_TYPE_USER", userId: own("user"), name: "plain" },
        keep: "plain",
      },
      {
        rpc: "Create",
        request: { type: "KEY_TYPE_USER", userId: own("user"), name: "ending", ttl: "3600s" },
        keep: "ending",
      },
      {
        rpc: "List",
        request: { userId: own("user"), name: "plain" },
        expect: { response: { keys: [{ keyId: ref("plain.key.keyId") }] } },
      },
      {
        rpc: "List",
        request: { userId: own("user"), expireBefore: fromNow(2 * HOUR_MS) },
        expect: { response: { keys: [{ keyId: ref("ending.key.keyId") }] } },
      },
      {
        rpc: "List",
        request: { userId: own("user"), expireBefore: fromNow(-HOUR_MS) },
        expect: { without: ["keys.0"] },
      },
      {
        rpc: "List",
        request: { userId: own("user"), unusedSince: fromNow(HOUR_MS) },
        expect: {
          response: { keys: [{ keyId: ref("plain.key.keyId") }, { keyId: ref("ending.key.keyId") }] },
        },
      },
      {
        rpc: "List",
        request: { userId: own("user"), unusedSince: fromNow(-HOUR_MS) },
        expect: { without: ["keys.0"] },
      },
      {
        rpc: "List",
        request: { userId: own("user"), name: "x".repeat(257) },
        expect: { code: "invalid_argument", violations: ["name"] },
      },
    ],
  },
  {
    title: "ListEvents pages through the changes in order, without any api_key",
    steps: [
      createOf("KEY_TYPE_USER", "created"),
      { rpc: "Refresh", request: { keyId: ref("created.key.keyId"), requestId: "r-1" } },
      { rpc: "Revoke", request: { keyId: ref("created.key.keyId"), reason: "done" } },
      { rpc: "RevokeAllForUser", request: { userId: own("user") } },
      {
        rpc: "ListEvents",
        request: { userId: own("user"), pageSize: 3 },
        keep: "first",
        expect: {
          response: {
            events: [
              { kind: "EVENT_KIND_KEY_CREATED", keyId: ref("created.key.keyId"), keyType: "KEY_TYPE_USER" },
              { kind: "EVENT_KIND_KEY_REFRESHED", requestId: "r-1", caller: "root" },
              { kind: "EVENT_KIND_KEY_REVOKED", reason: "done", number: expect.stringMatching(/^\d+$/) },
            ],
          },
        },
      },
      {
        rpc: "ListEvents",
        request: { userId: own("user"), pageSize: 3, pageToken: ref("first.nextPageToken") },
        expect: {
          response: { events: [{ kind: "EVENT_KIND_PRINCIPAL_REVOKED", userId: own("user") }] },
          without: ["nextPageToken", "events.0.keyId"],
        },
      },
      {
        rpc: "ListEvents",
        request: { keyId: ref("created.key.keyId"), kind: "EVENT_KIND_KEY_REVOKED" },
        expect: { response: { events: [{ reason: "done" }] } },
      },
    ],
  },
  {
    title: "a page_token that was changed, or is from another query, is refused",
    steps: [
      ...threeKeys,
      { rpc: "List", request: { userId: own("user"), pageSize: 1 }, keep: "page" },
      ...[
        { userId: own("user"), pageToken: tampered(ref("page.nextPageToken"), 3) },
        { userId: own("user"), pageToken: tampered(ref("page.nextPageToken"), -2) },
        { userId: own("other"), pageToken: ref("page.nextPageToken") },
        { userId: own("user"), type: "KEY_TYPE_USER", pageToken: ref("page.nextPageToken") },
        { userId: own("user"), pageToken: "1" },
        { userId: own("user"), pageToken: "x".repeat(4_000) },
      ].map((request): Step => ({ rpc: "List", request, expect: TOKEN_REFUSED })),
      {
        rpc: "ListEvents",
        request: { userId: own("user"), pageToken: ref("page.nextPageToken") },
        expect: TOKEN_REFUSED,
      },
    ],
  },
];
