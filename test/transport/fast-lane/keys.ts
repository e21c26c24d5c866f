// The keys that both roads have, made in the same order: one for each thing that Verify can say, and callers.
import { refreshKey } from "../../../src/app/keys/refresh-key.ts";
import { revokeKey } from "../../../src/app/keys/revoke-key.ts";
import { updateKey } from "../../../src/app/keys/update-key.ts";
import { formatApiKey, parseApiKey } from "../../../src/domain/api-key/key-format.ts";
import { refreshInput, revokeInput, updateInput } from "../../app/requests.ts";
import { create, POLICY, ROOT } from "../../app/world.ts";
import { buildApiKey } from "../../domain/build.ts";
import type { Road } from "./road.ts";

const HOUR_MS = 3_600_000;

/** api_keys by what they are. */
export type Keys = Readonly<Record<string, string>>;

export async function makeKeys({ ports, world }: Pick<Road, "ports" | "world">): Promise<Keys> {
  const now = ports.clock();
  const made = async (overrides: Parameters<typeof create>[1] = {}) =>
    (await create(ports, overrides)).apiKey;
  const keys: Record<string, string> = {
    plain: await made({ organizationId: "org-1", name: "a key", scopes: ["orders:*"] }),
    ofAnotherOrganization: await made({ organizationId: "org-2" }),
    unicode: await made({ name: "clé – ключ 🔑", description: "naïve" }),
    large: await made({ name: "large", description: "d".repeat(1_000), metadata: { note: "n".repeat(800) } }),
    scoped: await made({ scopes: ["orders:read"], roles: ["reader"] }),
    bound: await made({ allowedCidrs: ["192.0.2.0/24", "2001:db8::/32"] }),
    expiring: await made({ expireTime: now + 100 * HOUR_MS }),
    expired: await made({ expireTime: now + HOUR_MS }),
    rated: await made({ rateLimit: { limit: 5, windowMs: 600_000 } }),
    counted: await made({ quota: { limit: 5, period: "month" } }),
    service: await made({ type: "service", userId: "", serviceAccountId: "account-1" }),
    publishable: await made({ type: "publishable", userId: "" }),
    caller: await made({
      type: "service",
      userId: "",
      serviceAccountId: "gateway",
      scopes: ["fleetkey:verify"],
    }),
    callerOfOrg: await made({
      type: "organization",
      userId: "",
      organizationId: "org-1",
      scopes: ["fleetkey:*"],
    }),
    callerThatReads: await made({ scopes: ["fleetkey:read"] }),
    callerThatIsRated: await made({
      ...{ scopes: ["fleetkey:verify"], rateLimit: { limit: 3, windowMs: 600_000 } },
    }),
    callerFromElsewhere: await made({ scopes: ["fleetkey:verify"], allowedCidrs: ["198.51.100.0/24"] }),
  };
  const revoked = await create(ports);
  await revokeKey(ports, ROOT, revokeInput({ by: "key_id", keyId: revoked.key.keyId }, "lost"));
  const disabled = await create(ports);
  await updateKey(ports, ROOT, updateInput(disabled.key.keyId, { paths: ["disabled"], disabled: true }));
  const former = await create(ports);
  const target = { by: "key_id", keyId: former.key.keyId } as const;
  const refreshed = await refreshKey(ports, ROOT, refreshInput(target, { graceMs: 24 * HOUR_MS }));
  world.clock.now += 2 * HOUR_MS;
  return {
    ...keys,
    ...{ revoked: revoked.apiKey, disabled: disabled.apiKey, former: former.apiKey, newer: refreshed.apiKey },
    wrongChecksum: keys.plain?.replace(/.{6}$/, "000000") ?? "",
    wrongSecret: withSecret(keys.plain ?? "", "z".repeat(30)),
    unknown: buildApiKey("user", 4_711),
    text: "no api_key at all",
    nothing: "",
  };
}

function withSecret(apiKey: string, secret: string): string {
  const parsed = parseApiKey(apiKey, POLICY.prefixes);
  if (typeof parsed === "string") throw new Error(`the api_key is ${parsed}`);
  return formatApiKey(parsed.prefix, parsed.lookup, secret);
}
