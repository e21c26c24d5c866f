// Where a watch is resumed, as text: a version and the number of the last event that was told.
import { Violations } from "../input/violations.ts";

/** Numbers are below 2^53, so 16 digits. */
const CURSOR = /^w1\.(0|[1-9]\d{0,15})$/;

export function formatCursor(number: number): string {
  return `w1.${number}`;
}

/** Undefined for an empty one: from now on. Throws `invalid_argument` for what is none. */
export function checkCursor(cursor: string): number | undefined {
  if (cursor === "") return undefined;
  const number = Number(CURSOR.exec(cursor)?.[1]);
  if (Number.isSafeInteger(number)) return number;
  const violations = new Violations();
  violations.add("cursor", "must be the cursor of a response of Watch");
  violations.throwIfAny();
  return undefined;
}
