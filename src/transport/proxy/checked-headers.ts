// What is read of the headers of a request that a proxy asks about. They are the client's own: whatever they
// say of who the client is counts for nothing, and is to be taken away.
import { PROXY_CREDENTIAL } from "../../access/credentials.ts";

/** Who the owner of an accepted key is. Nobody but Fleetkey may say so. */
export const IDENTITY_HEADERS = {
  keyId: "x-fleetkey-key-id",
  keyType: "x-fleetkey-key-type",
  userId: "x-fleetkey-user",
  organizationId: "x-fleetkey-organization",
  serviceAccountId: "x-fleetkey-service-account",
  scopes: "x-fleetkey-scopes",
  provider: "x-fleetkey-provider",
} as const;

/** What a route requires, where the operator has them read. */
export const REQUIREMENT_HEADERS = {
  scopes: "x-fleetkey-require-scopes",
  type: "x-fleetkey-require-type",
} as const;

/** Further names that a client may have claimed; more are no accident. */
export const CLAIMED_NAMES_MAX = 32;

const EXPECTED = new Set<string>([PROXY_CREDENTIAL, ...Object.values(IDENTITY_HEADERS)]);

/** Headers that came more than once are joined by commas, as HTTP has it: what is one text cannot be told. */
export class CheckedHeaders {
  authorization: string | undefined;
  xApiKey: string | undefined;
  apikey: string | undefined;
  forwardedFor: string | undefined;
  userAgent: string | undefined;
  proxyCredential: string | undefined;
  requiredScopes: string | undefined;
  requiredType: string | undefined;
  /** Names that look like Fleetkey's own to some service, beside those that are always taken care of. */
  readonly claimed: string[] = [];

  add(name: string, value: string): void {
    const lower = name.toLowerCase();
    switch (lower) {
      case "authorization":
        this.authorization = joined(this.authorization, value);
        return;
      case "x-api-key":
        this.xApiKey = joined(this.xApiKey, value);
        return;
      case "apikey":
        this.apikey = joined(this.apikey, value);
        return;
      case "x-forwarded-for":
        this.forwardedFor = joined(this.forwardedFor, value);
        return;
      case "user-agent":
        this.userAgent = value;
        return;
      case PROXY_CREDENTIAL:
        this.proxyCredential = joined(this.proxyCredential, value);
        return;
      case REQUIREMENT_HEADERS.scopes:
        this.requiredScopes = joined(this.requiredScopes, value);
        break;
      case REQUIREMENT_HEADERS.type:
        this.requiredType = joined(this.requiredType, value);
        break;
    }
    if (isClaim(lower) && !EXPECTED.has(lower)) this.#claim(lower);
  }

  #claim(name: string): void {
    if (this.claimed.length <= CLAIMED_NAMES_MAX && !this.claimed.includes(name)) this.claimed.push(name);
  }
}

function joined(before: string | undefined, value: string): string {
  return before === undefined ? value : `${before},${value}`;
}

// CGI and what follows it turn a dash into an underscore, so a service may read either.
function isClaim(name: string): boolean {
  return name.startsWith("fleetkey", 2) && (name.startsWith("x-") || name.startsWith("x_"));
}
