// Covers RevokeAllForOrganization and RevokeAllForServiceAccount: they end what carries the organization or
// the service account, and nothing else. What all RevokeAlls share is revoke-principal.test.ts's.
import { expect, it } from "vitest";
import {
  revokeAllForOrganization,
  revokeAllForServiceAccount,
} from "../../../src/app/principals/revoke-principal.ts";
import { KEY_TYPES } from "../../../src/domain/key-type.ts";
import { onEachStore } from "../backends.ts";
import { violatedFields } from "../outcomes.ts";
import { NEEDED } from "../requests.ts";
import { create, ROOT, verdictOf } from "../world.ts";

const WHY = { reason: "closed", requestId: "request-1" };

onEachStore("RevokeAll of other principals", (open) => {
  it("Once it is answered, every key of the organization is refused, and no other one.", async () => {
    const { ports } = await open();
    const carrying: string[] = [];
    for (const type of KEY_TYPES) {
      carrying.push((await create(ports, { ...NEEDED[type], organizationId: "org-1" })).apiKey);
    }
    const others = [
      await create(ports, { organizationId: "org-2" }),
      await create(ports, { userId: "org-1" }),
      await create(ports, { ...NEEDED.service, serviceAccountId: "org-1" }),
    ];
    const revoke = () => revokeAllForOrganization(ports, ROOT, { organizationId: "org-1", ...WHY });
    expect(await revoke()).toBe(KEY_TYPES.length);
    expect(await revoke()).toBe(KEY_TYPES.length);
    for (const apiKey of carrying) expect(await verdictOf(ports, apiKey)).toBe("revoked");
    for (const { apiKey } of others) expect(await verdictOf(ports, apiKey)).toBe("valid");
  });

  it("Once it is answered, every key of the service account is refused, and no other one.", async () => {
    const { ports } = await open();
    const [one, other, namesake] = [
      await create(ports, { ...NEEDED.service, serviceAccountId: "account-1" }),
      await create(ports, { ...NEEDED.service, serviceAccountId: "account-2" }),
      await create(ports, { userId: "account-1" }),
    ];
    const input = { serviceAccountId: "account-1", ...WHY };
    expect(await revokeAllForServiceAccount(ports, ROOT, input)).toBe(1);
    expect(await verdictOf(ports, one.apiKey)).toBe("revoked");
    expect(await verdictOf(ports, other.apiKey)).toBe("valid");
    expect(await verdictOf(ports, namesake.apiKey)).toBe("valid");
  });

  it("names nobody without its id", async () => {
    const { ports } = await open();
    const organization = revokeAllForOrganization(ports, ROOT, { organizationId: "", ...WHY });
    expect(await violatedFields(organization)).toEqual(["organization_id"]);
    const account = revokeAllForServiceAccount(ports, ROOT, { serviceAccountId: "", ...WHY });
    expect(await violatedFields(account)).toEqual(["service_account_id"]);
  });
});
