// Verify: parse, read, compare, evaluate. Everything that it can say about a key is a value.
import { KEY_TYPES } from "../domain/key-type.ts";
import { evaluate } from "../domain/lifecycle.ts";
import { denied, type Verdict } from "../domain/verdict.ts";
import { Violations } from "./input/violations.ts";
import type { AppPorts } from "./ports.ts";
import { findByApiKey } from "./secret/find-by-api-key.ts";

/** As it comes from a transport. */
export interface VerifyKeyInput {
  readonly apiKey: string;
  readonly expectedType: string | undefined;
}

/** Rejects with `unavailable` when the truth cannot be had; it never guesses. */
export async function verifyKey(ports: AppPorts, input: VerifyKeyInput): Promise<Verdict> {
  const violations = new Violations();
  const expectedType = violations.oneOf("expected_type", input.expectedType, KEY_TYPES);
  violations.throwIfAny();

  const presented = await findByApiKey(ports, input.apiKey);
  if (presented === "malformed" || presented === "unknown") return denied(presented);
  const { view } = presented;
  const reason = evaluate(view, { expectedType }, ports.clock());
  return reason === undefined ? { valid: true, view } : denied(reason, view);
}
