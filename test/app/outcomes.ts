// What became of a call, in a form that tests compare: its error in full, its code and reason, its
// violations, and how a number of calls at once came out.
import { FleetkeyError, type Violation } from "../../src/domain/errors.ts";

/** The error that a call was refused with. */
export async function errorOf(call: Promise<unknown>): Promise<FleetkeyError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof FleetkeyError) return error;
    throw error;
  }
  throw new Error("the call was not refused");
}

/** All that a caller is told of an error, to compare two refusals. */
export async function refusalOf(call: Promise<unknown>): Promise<object> {
  const { code, message, details } = await errorOf(call);
  return { code, message, details };
}

/** Such as `not_found KEY_NOT_FOUND`. */
export async function codeOf(call: Promise<unknown>): Promise<string> {
  const { code, details } = await errorOf(call);
  return `${code} ${details.reason}`;
}

/** The violations of a call that was refused as `invalid_argument`. */
export async function violationsOf(call: Promise<unknown>): Promise<readonly Violation[]> {
  const error = await errorOf(call);
  if (error.code !== "invalid_argument") throw error;
  return error.details.violations ?? [];
}

/** The paths of the fields that a call was refused for. */
export async function violatedFields(call: Promise<unknown>): Promise<readonly string[]> {
  return (await violationsOf(call)).map(({ field }) => field);
}

/** Waits for all calls: what the successful ones gave, and how the others were refused. */
export async function settle<Result>(calls: readonly Promise<Result>[]) {
  const done: Result[] = [];
  const refused: string[] = [];
  for (const outcome of await Promise.allSettled(calls)) {
    if (outcome.status === "fulfilled") done.push(outcome.value);
    else refused.push(await codeOf(Promise.reject(outcome.reason)));
  }
  return { done, refused };
}
