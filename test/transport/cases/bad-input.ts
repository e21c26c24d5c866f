// Cases of requests that are refused for what they hold. Every violation is told at once, by the proto's
// names.
import { type Case, fromNow, own, type Step } from "./case.ts";

const USER = { type: "KEY_TYPE_USER", userId: own("user") };

const refused = (rpc: Step["rpc"], request: Step["request"], ...violations: readonly string[]): Step => ({
  rpc,
  request,
  expect: { code: "invalid_argument", reason: "INVALID_ARGUMENT", violations },
});

const create = (request: Step["request"], ...violations: readonly string[]): Step =>
  refused("Create", request, ...violations);

export const badInputCases: readonly Case[] = [
  {
    title: "a key has one end: expire_time and ttl together are refused",
    isBrief: true,
    steps: [create({ ...USER, expireTime: fromNow(60_000), ttl: "60s" }, "ttl")],
  },
  {
    title: "an end that is past, too soon or too far is refused",
    steps: [
      create({ ...USER, expireTime: fromNow(-60_000) }, "expire_time"),
      create({ ...USER, expireTime: "0001-01-01T00:00:00Z" }, "expire_time"),
      create({ ...USER, ttl: "0s" }, "ttl"),
      create({ ...USER, ttl: "0.999s" }, "ttl"),
      create({ ...USER, ttl: "-5s" }, "ttl"),
      create({ ...USER, ttl: "315576000000s" }, "ttl"),
    ],
  },
  {
    title: "what a key type needs must be there, and what it does not know must not",
    steps: [
      create({}, "type"),
      create({ type: "KEY_TYPE_UNSPECIFIED" }, "type"),
      create({ type: "KEY_TYPE_USER" }, "user_id"),
      create({ type: "KEY_TYPE_ORGANIZATION", userId: "u" }, "organization_id"),
      create({ type: "KEY_TYPE_SERVICE", provider: "stripe" }, "service_account_id", "provider"),
      create({ type: "KEY_TYPE_INTEGRATION", serviceAccountId: "s" }, "provider", "service_account_id"),
      refused("RevokeAllForUser", { organizationId: "org-1" }, "user_id"),
      refused("Get", {}, "key_id"),
    ],
  },
  {
    title: "an enum number that the contract lacks is refused",
    steps: [
      create({ type: 99, userId: "u" }, "type"),
      refused("Verify", { apiKey: "x", expectedType: 99 }, "expected_type"),
      refused("List", { type: 99, state: 98 }, "type", "state"),
      refused("ListEvents", { kind: 99 }, "kind"),
    ],
  },
  {
    title: "a text of its greatest length is taken, and a longer one refused",
    steps: [
      {
        rpc: "Create",
        request: {
          type: "KEY_TYPE_USER",
          userId: "é".repeat(64),
          name: "n".repeat(256),
          description: "d".repeat(1_024),
        },
      },
      create({ type: "KEY_TYPE_USER", userId: "é".repeat(65) }, "user_id"),
      create(
        {
          ...USER,
          organizationId: "o".repeat(129),
          name: "n".repeat(257),
          description: "d".repeat(1_025),
          requestId: "r".repeat(129),
          metadata: { text: "m".repeat(8_200) },
        },
        ...["organization_id", "name", "description", "request_id", "metadata"],
      ),
      create({ type: "KEY_TYPE_INTEGRATION", provider: "p".repeat(65) }, "provider"),
      refused("Revoke", { keyId: "flk_uAAAAAAAAAAA", reason: "r".repeat(257) }, "reason"),
      refused("RevokeAllForUser", { userId: "u".repeat(129), reason: "r".repeat(257) }, "user_id", "reason"),
      refused("Get", { keyId: `flk_u${"A".repeat(12)}` }, "key_id"),
    ],
  },
  {
    title: "control characters and a provider's other letters are refused",
    steps: [
      create({ type: "KEY_TYPE_USER", userId: "a\nb", name: "\u0007" }, "user_id", "name"),
      create({ type: "KEY_TYPE_INTEGRATION", provider: "Stripe" }, "provider"),
    ],
  },
  {
    title: "metadata of more than 16 levels is refused",
    steps: [
      create({ ...USER, metadata: nested(17) }, "metadata"),
      { rpc: "Create", request: { ...USER, metadata: nested(16) } },
    ],
  },
  {
    title: "a JSON name that the contract lacks is refused by its name",
    needs: "unknown_name",
    steps: [
      create({ ...USER, allowedCidr: ["10.0.0.0/8"] }, "allowedCidr"),
      refused("Verify", { apiKey: "x", requiredScope: "read" }, "requiredScope"),
      refused("Refresh", { owner: { ...USER, team: "core" } }, "owner.team"),
    ],
  },
  {
    title: "an enum name that the contract lacks is refused",
    needs: "unknown_name",
    steps: [create({ type: "KEY_TYPE_ROBOT", userId: "u", ttl: "soon" }, "type", "ttl")],
  },
  {
    title: "a field number that the contract lacks is refused",
    needs: "unknown_number",
    steps: [create(USER, "")],
  },
  {
    title: "a field number that the contract lacks is refused where nothing would be restricted, too",
    needs: "unknown_number",
    steps: [refused("Verify", { apiKey: "x" }, "")],
  },
];

function nested(levels: number): object {
  return levels === 1 ? {} : { deeper: nested(levels - 1) };
}
