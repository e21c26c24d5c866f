// What the use cases need from outside, as one bundle that service.ts puts together. Every use case is a
// function from this, a caller and a request to an answer.
import type { PepperSet } from "../domain/api-key/digests.ts";
import type { ForeignFormat } from "../domain/api-key/foreign-format.ts";
import type { KeyPrefixes } from "../domain/api-key/key-format.ts";
import type { Roles } from "../domain/grant/scope.ts";
import type { KeyType } from "../domain/key-type.ts";
import type { KeyView } from "../domain/verdict.ts";
import type { RandomBytes } from "../lib/base62.ts";
import type { Clock } from "../lib/clock.ts";
import type { Store } from "../store/store.ts";
import type { KeyLimits } from "./limits/key-limits.ts";
import type { SlowHash } from "./secret/bcrypt-hash.ts";
import type { SlowDigestCheck } from "./secret/slow-digest-check.ts";
import type { UseLog } from "./verify/use-log.ts";

/** What the operator decided about keys. */
export interface KeyPolicy {
  readonly environment: string;
  readonly prefixes: KeyPrefixes;
  readonly roles: Roles;
  /** How long a key lives when its creator does not say; absent: without end. */
  readonly ttlDefaultMs: Partial<Readonly<Record<KeyType, number>>>;
  /** How long a key can live at most. */
  readonly ttlMaxMs: Partial<Readonly<Record<KeyType, number>>>;
  /** What api_keys that other systems issued look like. */
  readonly foreignFormats: readonly ForeignFormat[];
}

/** Where a key is looked for that an api_key may open. */
export interface KeyViews {
  /** What is known of it without I/O and can be trusted now. */
  held(keyId: string): KeyView | undefined;
  /** What is held, or what the store says. Rejects with `unavailable`. */
  read(keyId: string): Promise<KeyView | undefined>;
  /**
   * What the store says now, when `seen` refuses a secret that may be newer. Undefined when nothing newer is
   * to be had: the key is not held, or was read again just now.
   */
  readAgain(keyId: string, seen: KeyView): Promise<KeyView | undefined>;
}

export interface AppPorts {
  readonly store: Store;
  /** For Verify and for callers; whatever changes a key reads the store. */
  readonly views: KeyViews;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  readonly peppers: PepperSet;
  readonly slowHash: SlowHash;
  readonly slowCheck: SlowDigestCheck;
  readonly limits: KeyLimits;
  readonly uses: Pick<UseLog, "record">;
  readonly policy: KeyPolicy;
}
