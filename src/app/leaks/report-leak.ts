// ReportLeak: an api_key was found where it should not be. Its key is revoked, unless it is of a type whose
// api_keys are public anyway; then the find is only recorded.
import { type Caller, callerIdOf } from "../../access/caller.ts";
import { type Cause, keyEvent } from "../../domain/audit/event.ts";
import { FleetkeyError } from "../../domain/errors.ts";
import { reportLeak as reported, revokeKey as revoked } from "../../domain/key-changes.ts";
import { KEY_TYPE_TRAITS } from "../../domain/key-type.ts";
import { revocationOf } from "../../domain/lifecycle.ts";
import type { KeyView } from "../../domain/verdict.ts";
import { Violations } from "../input/violations.ts";
import type { AppPorts } from "../ports.ts";
import { findByApiKey } from "../secret/find-by-api-key.ts";
import { changeKey, type KeyChange } from "../target/change-key.ts";
import { storedViews } from "../target/read-view.ts";

export const LEAK_SOURCE_BYTES_MAX = 64;
export const LEAK_URL_BYTES_MAX = 1_024;
const REASON = "leaked";

/** As it comes from a transport: texts are empty when left out. */
export interface ReportLeakInput {
  readonly apiKey: string;
  /** Who found it. */
  readonly source: string;
  /** Where. */
  readonly url: string;
}

export interface ReportLeakResult {
  /** Whether the key is revoked now. */
  readonly revoked: boolean;
  /** Empty when the api_key is none of this service's. */
  readonly keyId: string;
}

const NO_KEY: ReportLeakResult = { revoked: false, keyId: "" };

export async function reportLeak(
  ports: AppPorts,
  caller: Caller,
  input: ReportLeakInput,
): Promise<ReportLeakResult> {
  const { apiKey } = input;
  const cause = checkLeak(caller, input);
  const presented = await findByApiKey(ports, storedViews(ports.store), caller.bounds, apiKey);
  if (presented === "malformed" || presented === "unknown") return NO_KEY;
  const { keyId } = presented.view.key;
  try {
    const view = await changeKey(ports, caller.bounds, keyId, (current) => changeFor(ports, current, cause));
    return { revoked: revocationOf(view) !== undefined, keyId };
  } catch (error) {
    // Removed since it was found, long after its end.
    if (error instanceof FleetkeyError && error.code === "not_found") return NO_KEY;
    throw error;
  }
}

function checkLeak(caller: Caller, { apiKey, source, url }: ReportLeakInput): Cause {
  const violations = new Violations();
  if (apiKey === "") violations.add("api_key", "is required");
  violations.text("source", source, { bytesMax: LEAK_SOURCE_BYTES_MAX });
  violations.text("url", url, { bytesMax: LEAK_URL_BYTES_MAX });
  violations.throwIfAny();
  return {
    caller: callerIdOf(caller),
    address: caller.address,
    source: withoutApiKey(source, apiKey),
    url: withoutApiKey(url, apiKey),
  };
}

function changeFor(ports: AppPorts, view: KeyView, cause: Cause): KeyChange {
  const { key } = view;
  const now = ports.clock();
  const at = { now, randomBytes: ports.randomBytes };
  if (KEY_TYPE_TRAITS[key.type].possessionProves) {
    const next = revoked(key, { now, reason: REASON });
    return {
      next,
      event: keyEvent("key_revoked", { before: key, after: next }, { ...cause, reason: REASON }, at),
    };
  }
  const next = revocationOf(view) === undefined ? reported(key, now) : key;
  return { next, event: keyEvent("key_leak_reported", { before: key, after: next }, cause, at) };
}

// Events never hold an api_key. A text that does is left out, however often it is percent-encoded and in
// whatever case: a form that was made lower-case still tells most of the secret.
function withoutApiKey(text: string, apiKey: string): string | undefined {
  const wanted = bytesOf(apiKey).toLowerCase();
  let decoded = bytesOf(text);
  for (let encoded = ""; encoded !== decoded; ) {
    if (decoded.toLowerCase().includes(wanted)) return undefined;
    encoded = decoded;
    decoded = encoded.replace(/%[0-9a-f]{2}/gi, (code) => String.fromCharCode(Number(`0x${code.slice(1)}`)));
  }
  return text === "" ? undefined : text;
}

// A character for each byte of UTF-8, which is what percent-encoding encodes.
function bytesOf(text: string): string {
  return Buffer.from(text).toString("latin1");
}
