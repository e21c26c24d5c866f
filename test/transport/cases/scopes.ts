// Cases of what a key may do, and of ending all keys of an organization or a service account.
import { type Case, own, ref } from "./case.ts";

export const scopeCases: readonly Case[] = [
  {
    title: "a key is refused what its scopes do not cover, and told what it lacks",
    isBrief: true,
    steps: [
      {
        rpc: "Create",
        request: { type: "KEY_TYPE_USER", userId: own("user"), scopes: ["orders:*", "read"] },
        keep: "created",
        expect: { response: { key: { scopes: ["orders:*", "read"] } } },
      },
      {
        rpc: "Verify",
        request: { apiKey: ref("created.apiKey"), requiredScopes: ["read", "orders:eu:write"] },
        expect: { response: { valid: true }, without: ["missingScopes"] },
      },
      {
        rpc: "Verify",
        request: { apiKey: ref("created.apiKey"), requiredScopes: ["write", "read", "admin"] },
        expect: {
          response: {
            valid: false,
            denialReason: "DENIAL_REASON_INSUFFICIENT_SCOPE",
            missingScopes: ["write", "admin"],
          },
        },
      },
    ],
  },
  {
    title: "a key with allowed_cidrs is refused from elsewhere, and when nobody says from where",
    isBrief: true,
    steps: [
      {
        rpc: "Create",
        request: { type: "KEY_TYPE_USER", userId: own("user"), allowedCidrs: ["192.0.2.0/24"] },
        keep: "created",
        expect: { response: { key: { allowedCidrs: ["192.0.2.0/24"] } } },
      },
      {
        rpc: "Verify",
        request: { apiKey: ref("created.apiKey"), clientAddress: "::ffff:192.0.2.7" },
        expect: { response: { valid: true } },
      },
      {
        rpc: "Verify",
        request: { apiKey: ref("created.apiKey"), clientAddress: "198.51.100.7" },
        expect: { response: { valid: false, denialReason: "DENIAL_REASON_ADDRESS_NOT_ALLOWED" } },
      },
      {
        rpc: "Verify",
        request: { apiKey: ref("created.apiKey") },
        expect: { response: { valid: false, denialReason: "DENIAL_REASON_ADDRESS_NOT_ALLOWED" } },
      },
      {
        rpc: "Verify",
        request: { apiKey: ref("created.apiKey"), clientAddress: "here" },
        expect: { code: "invalid_argument", violations: ["client_address"] },
      },
    ],
  },
  {
    title: "scopes and roles that are none are refused by their place",
    steps: [
      {
        rpc: "Create",
        request: { type: "KEY_TYPE_USER", userId: own("user"), scopes: ["ok", "NOT"], roles: ["nobody"] },
        expect: { code: "invalid_argument", violations: ["scopes[1]", "roles[0]"] },
      },
    ],
  },
  {
    title: "RevokeAllForOrganization and RevokeAllForServiceAccount end what carries them",
    steps: [
      {
        rpc: "Create",
        request: { type: "KEY_TYPE_ORGANIZATION", organizationId: own("org") },
        keep: "organization",
      },
      { rpc: "Create", request: { type: "KEY_TYPE_SERVICE", serviceAccountId: own("sa") }, keep: "service" },
      {
        rpc: "RevokeAllForOrganization",
        request: { organizationId: own("org"), reason: "closed", requestId: own("request") },
        expect: { response: { revokedCount: 1 } },
      },
      {
        rpc: "Verify",
        request: { apiKey: ref("organization.apiKey") },
        expect: { response: { valid: false, key: { revokeReason: "closed" } } },
      },
      { rpc: "Verify", request: { apiKey: ref("service.apiKey") }, expect: { response: { valid: true } } },
      {
        rpc: "RevokeAllForServiceAccount",
        request: { serviceAccountId: own("sa") },
        expect: { response: { revokedCount: 1 } },
      },
      { rpc: "Verify", request: { apiKey: ref("service.apiKey") }, expect: { response: { valid: false } } },
    ],
  },
];
