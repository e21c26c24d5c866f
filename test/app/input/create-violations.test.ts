// Covers what a Create is refused for: each field alone, its bound in bytes and one past it, and all at
// once. What is refused is told by the path of its field; what the field holds is never repeated.
import { describe, expect, it } from "vitest";
import type { CreateKeyInput } from "../../../src/app/input/create-command.ts";
import { createKey } from "../../../src/app/keys/create-key.ts";
import { buildApiKey } from "../../domain/build.ts";
import { errorOf, violatedFields, violationsOf } from "../outcomes.ts";
import { createInput, NEEDED } from "../requests.ts";
import { create, feedOf, openWorld, ROOT, type World } from "../world.ts";

const refused = ({ ports }: World, overrides: Partial<CreateKeyInput>) =>
  violatedFields(createKey(ports, ROOT, createInput(overrides)));

/** Each text of the request, its bound in bytes, and a request that may carry it. */
const TEXTS = [
  ["userId", "user_id", 128, NEEDED.user],
  ["organizationId", "organization_id", 128, NEEDED.organization],
  ["serviceAccountId", "service_account_id", 128, NEEDED.service],
  ["name", "name", 256, NEEDED.user],
  ["description", "description", 1_024, NEEDED.user],
  ["provider", "provider", 64, NEEDED.integration],
  ["requestId", "request_id", 128, NEEDED.user],
] as const;
const FREE_TEXTS = TEXTS.filter(([field]) => field !== "provider");

describe("A Create with fields that do not fit its type", () => {
  it.each<[string, Partial<CreateKeyInput>, string, string]>([
    ["no type", { type: undefined }, "type", "is required"],
    ["an unknown number as type", { type: "99" }, "type", "must be one of user, organization"],
    ["a type in capitals", { type: "USER" }, "type", "must be one of"],
    ["a user key without a user", { userId: "" }, "user_id", "is required for this key type"],
    [
      "an organization key without an organization",
      { ...NEEDED.organization, organizationId: "" },
      "organization_id",
      "is required for this key type",
    ],
    [
      "a service key without a service account",
      { ...NEEDED.service, serviceAccountId: "" },
      "service_account_id",
      "is required for this key type",
    ],
    [
      "an integration key without a provider",
      { ...NEEDED.integration, provider: "" },
      "provider",
      "is required for this key type",
    ],
    ["a provider on a user key", { provider: "stripe" }, "provider", "is not for this key type"],
    [
      "a service account on a publishable key",
      { ...NEEDED.publishable, serviceAccountId: "account-1" },
      "service_account_id",
      "is not for this key type",
    ],
  ])("is refused: %s", async (_, overrides, field, description) => {
    const { ports } = await openWorld();
    const violations = await violationsOf(createKey(ports, ROOT, createInput(overrides)));
    expect(violations).toEqual([{ field, description: expect.stringContaining(description) }]);
    expect(await feedOf(ports)).toEqual([]);
  });

  it.each(Object.values(NEEDED))(
    "may carry a user and an organization on any type: $type",
    async (needed) => {
      const { ports } = await openWorld();
      const { key } = await create(ports, { ...needed, userId: "user-1", organizationId: "org-1" });
      expect(key.owner).toMatchObject({ userId: "user-1", organizationId: "org-1" });
    },
  );
});

describe("A text of a Create", () => {
  it.each(TEXTS)("%s may be as long as its bound and not a byte longer", async (field, path, max, needed) => {
    const world = await openWorld();
    await create(world.ports, { ...needed, [field]: "a".repeat(max) });
    expect(await refused(world, { ...needed, [field]: "a".repeat(max + 1) })).toEqual([path]);
  });

  it.each(FREE_TEXTS)("%s is measured in bytes of UTF-8", async (field, path, max, needed) => {
    const world = await openWorld();
    await create(world.ports, { ...needed, [field]: "😀".repeat(max / 4) });
    expect(await refused(world, { ...needed, [field]: `${"😀".repeat(max / 4)}a` })).toEqual([path]);
    expect(await refused(world, { ...needed, [field]: "é".repeat(max / 2 + 1) })).toEqual([path]);
  });

  const BAD_TEXTS = [
    ["a NUL", "a\0b"],
    ["a line feed", "a\nb"],
    ["a line feed at its end", "ab\n"],
    ["a tab", "\tab"],
    ["the last of C0", "a\u001fb"],
    ["DEL", "a\u007fb"],
    ["C1", "a\u0085b"],
    ["a lone high surrogate", "a\ud800b"],
    ["a lone low surrogate", "ab\udfff"],
  ] as const;
  const CASES = TEXTS.flatMap(([field, path, , needed]) =>
    BAD_TEXTS.map(([name, text]) => [`${path} with ${name}`, path, { ...needed, [field]: text }] as const),
  );
  it.each(CASES)("is refused: %s", async (_, path, asked) => {
    const world = await openWorld();
    expect(await refused(world, asked)).toEqual([path]);
  });

  it.each(["Stripe", "stripe live", "stripe/live", "strípe", "a:b", "%"])(
    "a provider is refused: %j",
    async (provider) => {
      const world = await openWorld();
      expect(await refused(world, { ...NEEDED.integration, provider })).toEqual(["provider"]);
    },
  );

  it.each(["stripe", "0", "a-b_c.d", "--"])("a provider is accepted: %j", async (provider) => {
    const { ports } = await openWorld();
    expect((await create(ports, { ...NEEDED.integration, provider })).key.provider).toBe(provider);
  });
});

describe("A Create with everything wrong", () => {
  it("is told all of it at once", async () => {
    const world = await openWorld();
    const fields = await refused(world, {
      type: "integration",
      userId: "a\nb",
      organizationId: "a".repeat(129),
      serviceAccountId: "account-1",
      name: "\ud800",
      description: "a".repeat(1_025),
      metadata: { a: Number.NaN },
      requestId: "\0",
      ttlMs: 0,
      expireTime: 0,
    });
    const expected = ["user_id", "organization_id", "service_account_id", "name", "description", "metadata"];
    expect(fields.toSorted()).toEqual([...expected, "request_id", "provider", "ttl"].toSorted());
  });

  it("A secret in a wrong place is not repeated in the refusal.", async () => {
    const { ports } = await openWorld();
    const apiKey = buildApiKey();
    const input = createInput({
      type: apiKey,
      userId: `${apiKey}\n`,
      name: apiKey.repeat(10),
      provider: apiKey,
      requestId: `\ud800${apiKey}`,
      metadata: { [apiKey]: { [`${apiKey}\ud800`]: 1 } },
    });
    const { message, details } = await errorOf(createKey(ports, ROOT, input));
    expect(details.violations).toHaveLength(6);
    expect(message + JSON.stringify(details)).not.toContain(apiKey);
  });
});
