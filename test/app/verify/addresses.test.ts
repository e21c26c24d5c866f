// A key with allowed_cidrs works from there alone: from elsewhere, and when nobody says from where, it is
// refused. Covers addresses through app/create-key.ts and app/verify-key.ts.
import { describe, expect, it } from "vitest";
import { createKey } from "../../../src/app/keys/create-key.ts";
import { verifyKey } from "../../../src/app/verify/verify-key.ts";
import { onEachStore } from "../backends.ts";
import { violatedFields } from "../outcomes.ts";
import { createInput } from "../requests.ts";
import { create, openWorld, ROOT } from "../world.ts";

const ask = (apiKey: string, clientAddress: string) => ({
  apiKey,
  expectedType: undefined,
  requiredScopes: [],
  clientAddress,
  userAgent: "",
});

onEachStore("A key with allowed_cidrs", (open) => {
  it.each([
    ["192.0.2.7", true],
    ["::ffff:192.0.2.7", true],
    ["2001:db8::7", true],
    ["198.51.100.7", false],
    ["", false],
  ])("presented from %j is accepted: %s", async (address, isAccepted) => {
    const { ports } = await open();
    const { apiKey } = await create(ports, { allowedCidrs: ["192.0.2.0/24", "2001:db8::/32"] });
    const verdict = await verifyKey(ports, ROOT, ask(apiKey, address));
    if (isAccepted) expect(verdict).toMatchObject({ valid: true });
    else expect(verdict).toMatchObject({ valid: false, reason: "address_not_allowed" });
  });
});

it("A key without allowed_cidrs works from anywhere, and from nowhere known.", async () => {
  const { ports } = await openWorld();
  const { apiKey } = await create(ports);
  for (const address of ["192.0.2.7", "::1", ""]) {
    expect(await verifyKey(ports, ROOT, ask(apiKey, address))).toMatchObject({ valid: true });
  }
});

it.each(["localhost", "192.0.2.7:443", "192.0.2.7, 10.0.0.1", "[::1]", "192.0.2"])(
  "A Verify from %j is refused as a request: a wrong address must not pass for an absent one.",
  async (address) => {
    const { ports } = await openWorld();
    expect(await violatedFields(verifyKey(ports, ROOT, ask("x", address)))).toEqual(["client_address"]);
  },
);

describe("A Create", () => {
  const ranges = (count: number) => Array.from({ length: count }, (_, index) => `10.0.${index}.0/24`);

  it.each([
    ["64 ranges", ranges(64), []],
    ["65 ranges", ranges(65), ["allowed_cidrs"]],
    ["two wrong ones", ["10.0.0.0/8", "10.0.0.0/99", "here"], ["allowed_cidrs[1]", "allowed_cidrs[2]"]],
  ])("with %s", async (_, allowedCidrs, fields) => {
    const { ports } = await openWorld();
    const call = createKey(ports, ROOT, createInput({ allowedCidrs }));
    if (fields.length > 0) expect(await violatedFields(call)).toEqual(fields);
    else expect((await call).view.key.allowedCidrs).toEqual(allowedCidrs);
  });
});
