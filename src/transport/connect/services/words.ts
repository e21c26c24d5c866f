// Between the words of the wire and the domain's: enums, times, durations. Only translation: what cannot be
// translated becomes NaN or the bare enum number, which the use case then reports as a violation.

import { create } from "@bufbuild/protobuf";
import {
  type Duration,
  DurationSchema,
  type Timestamp,
  timestampFromMs,
  timestampMs,
} from "@bufbuild/protobuf/wkt";
import { EventKind } from "../../../../gen/fleetkey/v1/event_pb.js";
import { DenialReason, KeyState, KeyType, QuotaPeriod } from "../../../../gen/fleetkey/v1/key_pb.js";
import { DigestAlgorithm, ImportOutcome } from "../../../../gen/fleetkey/v1/key_service_pb.js";

/** Enum values are named as the domain's words, in capitals. */
interface Words {
  /**
   * The domain's word for an enum value; undefined for the unspecified one, the number for one that is not
   * known.
   */
  wordOf(value: number): string | undefined;
  /** The enum value of a word of the domain's. A word that the contract lacks is a bug. */
  valueOf(word: string): number;
}

function wordsOf(values: Readonly<Record<string, string | number>>): Words {
  return {
    wordOf: (value) => (value === 0 ? undefined : String(values[value] ?? value).toLowerCase()),
    valueOf: (word) => {
      const value = values[word.toUpperCase()];
      if (typeof value !== "number") throw new TypeError(`the contract has no value for ${word}`);
      return value;
    },
  };
}

export const KEY_TYPE_WORDS = wordsOf(KeyType);
export const KEY_STATE_WORDS = wordsOf(KeyState);
export const QUOTA_PERIOD_WORDS = wordsOf(QuotaPeriod);
export const DENIAL_REASON_WORDS = wordsOf(DenialReason);
export const EVENT_KIND_WORDS = wordsOf(EventKind);
export const DIGEST_ALGORITHM_WORDS = wordsOf(DigestAlgorithm);
export const IMPORT_OUTCOME_WORDS = wordsOf(ImportOutcome);

/** Milliseconds since the Unix epoch, NaN outside of what a Timestamp may hold. */
export function timeMs(timestamp: Timestamp | undefined): number | undefined {
  if (timestamp === undefined) return undefined;
  const { seconds, nanos } = timestamp;
  const isValid = seconds >= -62_135_596_800n && seconds <= 253_402_300_799n && nanos >= 0 && nanos < 1e9;
  return isValid ? timestampMs(timestamp) : Number.NaN;
}

/** Milliseconds, NaN outside of what a Duration may hold. */
export function durationMs(duration: Duration | undefined): number | undefined {
  if (duration === undefined) return undefined;
  const { seconds, nanos } = duration;
  const isValid = Math.abs(Number(seconds)) <= 315_576_000_000 && Math.abs(nanos) < 1e9;
  return isValid ? Number(seconds) * 1_000 + Math.trunc(nanos / 1e6) : Number.NaN;
}

export function timeOf(ms: number | undefined): Timestamp | undefined {
  return ms === undefined ? undefined : timestampFromMs(ms);
}

export function durationOf(ms: number): Duration {
  const seconds = Math.floor(ms / 1_000);
  return create(DurationSchema, { seconds: BigInt(seconds), nanos: (ms - seconds * 1_000) * 1e6 });
}
