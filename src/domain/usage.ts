// When a key was last accepted. Kept apart from its record, so that use never contends with change.

/** A longer user agent is cut. */
export const USER_AGENT_BYTES_MAX = 256;
/** The count stays there. */
export const USE_COUNT_MAX = 4_294_967_295;

/** What the store holds of a key's use. */
export interface LastUse {
  readonly time: number;
  /** Empty when it was not told. */
  readonly address: string;
  /** Empty when it was not told. */
  readonly userAgent: string;
  readonly count: number;
}

/** Uses of one key, put together: the newest one, and how many they were. */
export interface KeyUse extends LastUse {
  readonly keyId: string;
}

/** Later than any use: the end of the year 9999. */
const ERASED_USE_TIME = 253_402_300_799_999;

/**
 * Takes the place of what is known of a key's use. As the newest one it stays, so that a use which some node
 * still has to write cannot bring an address back.
 */
export function erasedUse(keyId: string): KeyUse {
  return { keyId, time: ERASED_USE_TIME, address: "", userAgent: "", count: 0 };
}

/** Whether only the mark of an erasure is there: it tells nothing. */
export function isErasedUse(use: LastUse): boolean {
  return use.time === ERASED_USE_TIME;
}
