// Cases of naming the key that a Refresh or a Revoke means.
import { expect } from "vitest";
import { type Case, own, ref, type Step } from "./case.ts";

const OWNER = { type: "KEY_TYPE_USER", userId: own("user") };

const createOwned = (keep: string, more = {}): Step => ({
  rpc: "Create",
  request: { ...OWNER, ...more },
  keep,
});

const refused = (request: Step["request"], ...violations: readonly string[]): readonly Step[] =>
  (["Refresh", "Revoke"] as const).map((rpc) => ({
    rpc,
    request,
    expect: { code: "invalid_argument", reason: "INVALID_ARGUMENT", violations },
  }));

export const targetCases: readonly Case[] = [
  {
    title: "an owner with one live key names it",
    steps: [
      createOwned("dead"),
      { rpc: "Revoke", request: { keyId: ref("dead.key.keyId") } },
      createOwned("live"),
      {
        rpc: "Refresh",
        request: { owner: OWNER },
        expect: { response: { key: { keyId: ref("live.key.keyId"), generation: 2 } } },
      },
    ],
  },
  {
    title: "an owner with several live keys is a failed precondition that names them",
    steps: [
      createOwned("a"),
      createOwned("b"),
      ...(["Refresh", "Revoke"] as const).map(
        (rpc): Step => ({
          rpc,
          request: { owner: OWNER },
          expect: {
            code: "failed_precondition",
            reason: "SEVERAL_KEYS",
            metadata: { key_ids: expect.stringMatching(/^flk_u\w{11},flk_u\w{11}$/) },
          },
        }),
      ),
      { rpc: "Verify", request: { apiKey: ref("a.apiKey") }, expect: { response: { valid: true } } },
      { rpc: "Verify", request: { apiKey: ref("b.apiKey") }, expect: { response: { valid: true } } },
    ],
  },
  {
    title: "the exclusive key of an owner comes before its others",
    steps: [
      createOwned("a"),
      createOwned("exclusive", { exclusive: true }),
      createOwned("b"),
      {
        rpc: "Revoke",
        request: { owner: OWNER },
        expect: { response: { key: { keyId: ref("exclusive.key.keyId") } } },
      },
    ],
  },
  {
    title: "an owner without a live key is not found",
    steps: [
      {
        rpc: "Revoke",
        request: { owner: OWNER },
        expect: { code: "not_found", reason: "KEY_NOT_FOUND" },
      },
    ],
  },
  {
    title: "no target, and one that cannot name a key, are refused with every violation",
    steps: [
      ...refused({}, "target"),
      ...refused({ keyId: "" }, "key_id"),
      ...refused({ keyId: "flk_short" }, "key_id"),
      ...refused({ keyId: "flk_xAAAAAAAAAAA" }, "key_id"),
      ...refused({ apiKey: "" }, "api_key"),
      ...refused({ owner: {} }, "owner.type", "owner"),
      ...refused({ owner: { type: "KEY_TYPE_USER" } }, "owner"),
      ...refused({ owner: { type: 77, userId: "u" } }, "owner.type"),
    ],
  },
];
