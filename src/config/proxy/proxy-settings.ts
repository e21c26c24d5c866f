// The settings of what proxies ask (Envoy's ext_authz, forward auth). Part of SETTINGS, in this order.
import { z } from "zod";
import { REQUIREMENT_HEADERS } from "../../transport/proxy/checked-headers.ts";
import type { ProxyPolicy } from "../../transport/proxy/proxy-parts.ts";
import { parsed, parseWhole } from "../parsed.ts";

const HOPS_MAX = 16;
const HEADERS: readonly string[] = Object.values(REQUIREMENT_HEADERS);

function parseRequirementHeaders(text: string): ReadonlySet<string> {
  const names = text.split(",").map((name) => name.trim().toLowerCase());
  if (!names.every((name) => HEADERS.includes(name))) throw new Error(`must be of ${HEADERS.join(", ")}`);
  return new Set(names);
}

export const PROXY_SETTINGS = {
  FLEETKEY_TRUSTED_HOPS: parsed(parseWhole(0, HOPS_MAX))
    .prefault("0")
    .describe(
      "How many proxies add the address of who is in front of them to `x-forwarded-for` before Fleetkey is " +
        "asked, 0 to 16: the client's is that many from the right. `0`: the header is not looked at; Envoy " +
        "tells the address over gRPC, and over HTTP keys that are bound to addresses are refused.",
    ),
  FLEETKEY_DENIAL_REASONS: z
    .literal("tell", "must be tell")
    .optional()
    .describe(
      "`tell`: clients behind a proxy hear whether their key is not known, revoked, expired or disabled, " +
        "and why it may not be used here. Else: one answer for all of them.",
    ),
  FLEETKEY_STRIP_KEY: z
    .enum(["on", "off"], "must be on or off")
    .prefault("on")
    .describe(
      "`on`: Envoy is told to take the headers that held the key away before the request goes to the " +
        "service. `off`: the service gets the key, too.",
    ),
  FLEETKEY_REQUIREMENT_HEADERS: parsed(parseRequirementHeaders)
    .optional()
    .describe(
      `Which headers at \`/authz\` say what the route requires: \`${REQUIREMENT_HEADERS.scopes}\`, ` +
        `\`${REQUIREMENT_HEADERS.type}\`. The proxy has to set them itself, over what its clients send.`,
    ),
};

/** Their values. */
export type ProxySettings = z.output<z.ZodObject<typeof PROXY_SETTINGS>>;

export interface ProxyConfig {
  readonly proxies: ProxyPolicy;
}

export function proxyConfig(settings: ProxySettings): ProxyConfig {
  return {
    proxies: {
      trustedHops: settings.FLEETKEY_TRUSTED_HOPS,
      tellsReasons: settings.FLEETKEY_DENIAL_REASONS === "tell",
      stripsKey: settings.FLEETKEY_STRIP_KEY === "on",
      requirementHeaders: settings.FLEETKEY_REQUIREMENT_HEADERS ?? new Set(),
    },
  };
}
