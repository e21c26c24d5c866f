// From a checked request to what Verify is asked about it, or to a refusal that needs no asking. Pure: the
// same for every form in which proxies ask.
import type { VerifyDemand } from "../../app/verify/verify-key.ts";
import { isAddress } from "../../domain/grant/address.ts";
import { type CheckedHeaders, CLAIMED_NAMES_MAX } from "./checked-headers.ts";
import { type Denial, HEADERS_REFUSED, KEY_AMBIGUOUS, KEY_REQUIRED, requirementsRefused } from "./denial.ts";
import type { Identity } from "./identity.ts";
import { presentedKey } from "./presented-key.ts";
import type { ProxyPolicy } from "./proxy-parts.ts";
import type { Route } from "./requirements.ts";

export interface Asked {
  readonly demand: VerifyDemand;
  /** Which headers hold the key: presented-key.ts. */
  readonly places: number;
  /** Names of further headers that the client may not bring past the proxy. */
  readonly claimed: readonly string[];
}

/** `peer` is who sends the request as the proxy says, not the proxy; undefined when that is not known. */
export function demandOf(
  headers: CheckedHeaders,
  route: Route,
  peer: string | undefined,
  { trustedHops }: ProxyPolicy,
): Asked | Denial {
  if ("trouble" in route) return requirementsRefused(route.trouble);
  const key = presentedKey(headers);
  if (key.kind === "none") return KEY_REQUIRED;
  if (key.kind === "ambiguous") return KEY_AMBIGUOUS;
  const { claimed, forwardedFor, userAgent = "" } = headers;
  if (claimed.length > CLAIMED_NAMES_MAX) return HEADERS_REFUSED;
  const { apiKey, places } = key;
  const { requiredScopes, expectedType } = route;
  const clientAddress = clientAddressOf(forwardedFor, peer, trustedHops);
  return { demand: { apiKey, requiredScopes, expectedType, clientAddress, userAgent }, places, claimed };
}

/**
 * The entry of x-forwarded-for that the outermost trusted proxy has added, or the peer where none is trusted.
 * Empty when there is none, or none that is an address: a key that is bound to addresses is then refused.
 */
export function clientAddressOf(
  forwardedFor: string | undefined,
  peer: string | undefined,
  trustedHops: number,
): string {
  const address = trustedHops === 0 ? peer : entryFromRight(forwardedFor ?? "", trustedHops);
  return address !== undefined && isAddress(address) ? address : "";
}

/** Names of all headers that have to go before the request goes to the service. */
export function removedNames({ removed }: Identity, { places, claimed }: Asked): readonly string[] {
  const always = removed[places] ?? [];
  return claimed.length === 0 ? always : [...always, ...claimed];
}

// Whatever stands further left, the client may have written itself.
function entryFromRight(list: string, place: number): string | undefined {
  let end = list.length;
  for (let count = 1; count < place; count++) {
    end = list.lastIndexOf(",", end - 1);
    if (end <= 0) return undefined;
  }
  return list.slice(list.lastIndexOf(",", end - 1) + 1, end).trim();
}
