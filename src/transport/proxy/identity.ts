// Who the owner of an accepted key is, as the service behind the proxy is told, and which headers a client
// may not bring past the proxy. Both are the same from request to request, so they are made once for each
// record that is held.
import type { JsonObject } from "@bufbuild/protobuf";
import { PROXY_CREDENTIAL } from "../../access/credentials.ts";
import { grantedScopes, type Roles } from "../../domain/grant/scope.ts";
import type { KeyView } from "../../domain/verdict.ts";
import { IDENTITY_HEADERS } from "./checked-headers.ts";
import { KEY_HEADERS } from "./presented-key.ts";

export type HeaderPair = readonly [name: string, value: string];

export interface Identity {
  /** Replace what the client has sent. */
  readonly headers: readonly HeaderPair[];
  /** For the proxy's own logs and rules: not encoded, and absent where the key has nothing. */
  readonly fields: JsonObject;
  /** What has to go, by `places`: the headers of the list that say nothing, and those that hold the key. */
  readonly removed: readonly (readonly string[])[];
}

const PLACES = 1 << KEY_HEADERS.length;

/** By the record that is held: gone when that is forgotten. */
export class Identities {
  readonly #known = new WeakMap<KeyView, Identity>();
  readonly #roles: Roles;
  readonly #stripsKey: boolean;

  constructor(roles: Roles, stripsKey: boolean) {
    this.#roles = roles;
    this.#stripsKey = stripsKey;
  }

  of(view: KeyView): Identity {
    const known = this.#known.get(view);
    if (known !== undefined) return known;
    const identity = this.#make(view);
    this.#known.set(view, identity);
    return identity;
  }

  #make({ key }: KeyView): Identity {
    const scopes = [...new Set(grantedScopes(key, this.#roles))];
    const { keyId, type: keyType, owner, provider } = key;
    const texts = { keyId, keyType, ...owner, scopes: scopes.join(" "), provider };
    const headers: HeaderPair[] = [];
    const absent: string[] = [PROXY_CREDENTIAL];
    for (const [field, name] of Object.entries(IDENTITY_HEADERS)) {
      const text = texts[field as keyof typeof IDENTITY_HEADERS];
      if (text === undefined || text === "") absent.push(name);
      else headers.push([name, field === "scopes" ? text : headerText(text)]);
    }
    const fields: JsonObject = { key_id: keyId, key_type: keyType, scopes };
    if (owner.userId) fields["user_id"] = owner.userId;
    if (owner.organizationId) fields["organization_id"] = owner.organizationId;
    if (owner.serviceAccountId) fields["service_account_id"] = owner.serviceAccountId;
    if (provider) fields["provider"] = provider;
    return { headers, fields, removed: Array.from({ length: PLACES }, (_, at) => this.#removed(absent, at)) };
  }

  #removed(absent: readonly string[], places: number): readonly string[] {
    if (!this.#stripsKey) return absent;
    return [...absent, ...KEY_HEADERS.filter((_, bit) => (places & (1 << bit)) !== 0)];
  }
}

// Everything but visible ASCII, the comma that joins headers, and the percent sign itself.
const UNSAFE = /[^\x21-\x24\x26-\x2b\x2d-\x7e]+/g;

/**
 * An id as a header can hold it: percent-encoded UTF-8 where it has to be (RFC 3986, section 2.1), so that
 * two ids are never one text and none can end the header. Refusing such an owner's keys would be no
 * better: they are right.
 */
export function headerText(text: string): string {
  return text.replace(UNSAFE, (part) => encodeURIComponent(part.toWellFormed()));
}
