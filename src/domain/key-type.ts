// The five key types and what sets them apart, as one table. Every switch over types reads it from here.
import type { OwnerField } from "./principal.ts";

export const KEY_TYPES = ["user", "organization", "service", "publishable", "integration"] as const;
export type KeyType = (typeof KEY_TYPES)[number];

/** What a type demands of its keys and how their api_keys are marked. */
export interface KeyTypeTraits {
  /** Stands in the api_key's prefix: `fl_<slug>_<env>_`. */
  readonly slug: string;
  /** First character of the lookup part, so that a key_id leads to one collection. */
  readonly initial: string;
  /** Fields without which a key of this type cannot be. */
  readonly required: readonly (OwnerField | "provider")[];
  /** Whether holding the api_key proves anything. A publishable key is known to everybody. */
  readonly possessionProves: boolean;
}

export const KEY_TYPE_TRAITS: Readonly<Record<KeyType, KeyTypeTraits>> = {
  user: { slug: "user", initial: "u", required: ["userId"], possessionProves: true },
  organization: { slug: "org", initial: "o", required: ["organizationId"], possessionProves: true },
  service: { slug: "svc", initial: "s", required: ["serviceAccountId"], possessionProves: true },
  publishable: { slug: "pub", initial: "p", required: [], possessionProves: false },
  integration: { slug: "int", initial: "i", required: ["provider"], possessionProves: true },
};

const BY_INITIAL = new Map(KEY_TYPES.map((type) => [KEY_TYPE_TRAITS[type].initial, type]));

/** The type that a lookup part names with its first character, if any. */
export function keyTypeOfLookup(lookup: string): KeyType | undefined {
  return BY_INITIAL.get(lookup.charAt(0));
}
