// Cases of who is let in: by one right credential, in either header, and by nothing else.
import { type Case, type CredentialKind, own, ref, type Step } from "./case.ts";

const NEEDS_CREDENTIAL: readonly Step[] = [
  { rpc: "Create", request: { type: "KEY_TYPE_USER", userId: own("user") } },
  { rpc: "Verify", request: { apiKey: "x" } },
  { rpc: "Get", request: { keyId: "flk_uAAAAAAAAAAA" } },
  { rpc: "List", request: {} },
  { rpc: "RevokeAllForUser", request: { userId: own("user") } },
  { rpc: "ListEvents", request: {} },
];

const refusedAs = (as: CredentialKind, reason: string): readonly Step[] =>
  NEEDS_CREDENTIAL.map((step) => ({ ...step, as, expect: { code: "unauthenticated", reason } }));

export const accessCases: readonly Case[] = [
  {
    title: "without a credential every call but those by possession is refused",
    isBrief: true,
    steps: refusedAs("none", "CREDENTIAL_REQUIRED"),
  },
  ...(["wrong", "wrong X-API-Key", "Basic", "empty", "two different"] as const).map((as) => ({
    title: `a call with this credential is refused: ${as}`,
    steps: refusedAs(as, "CREDENTIAL_INVALID"),
  })),
  {
    title: "the root credential is taken in either header, and in both when they agree",
    steps: (["root", "root in X-API-Key", "root twice"] as const).map((as) => ({
      rpc: "List",
      as,
      request: { pageSize: 1 },
    })),
  },
  {
    title: "a bad request without a credential is told of the credential, not of the request",
    steps: [
      {
        rpc: "Create",
        as: "none",
        request: { type: 99 },
        expect: { code: "unauthenticated", reason: "CREDENTIAL_REQUIRED" },
      },
    ],
  },
  {
    title: "a refused RevokeAllForUser ends nothing",
    steps: [
      { rpc: "Create", request: { type: "KEY_TYPE_USER", userId: own("user") }, keep: "created" },
      {
        rpc: "RevokeAllForUser",
        as: "wrong",
        request: { userId: own("user") },
        expect: { code: "unauthenticated", reason: "CREDENTIAL_INVALID" },
      },
      { rpc: "Verify", request: { apiKey: ref("created.apiKey") }, expect: { response: { valid: true } } },
    ],
  },
];
