// Verify: parse, read, compare, evaluate. Everything that it can say about a key is a value.
import { KEY_TYPES } from "../domain/key-type.ts";
import { evaluate } from "../domain/lifecycle.ts";
import { grantedScopes, missingScopes } from "../domain/scope.ts";
import { denied, type Verdict } from "../domain/verdict.ts";
import { checkScopes } from "./input/scope-fields.ts";
import { Violations } from "./input/violations.ts";
import type { AppPorts } from "./ports.ts";
import { findByApiKey } from "./secret/find-by-api-key.ts";

/** As it comes from a transport. */
export interface VerifyKeyInput {
  readonly apiKey: string;
  readonly expectedType: string | undefined;
  readonly requiredScopes: readonly string[];
}

/** Rejects with `unavailable` when the truth cannot be had; it never guesses. */
export async function verifyKey(ports: AppPorts, input: VerifyKeyInput): Promise<Verdict> {
  const violations = new Violations();
  const expectedType = violations.oneOf("expected_type", input.expectedType, KEY_TYPES);
  checkScopes(violations, "required_scopes", input.requiredScopes);
  violations.throwIfAny();

  const presented = await findByApiKey(ports, input.apiKey);
  if (presented === "malformed" || presented === "unknown") return denied(presented);
  const { view } = presented;
  const { requiredScopes } = input;
  const { roles } = ports.policy;
  const reason = evaluate(view, { expectedType, requiredScopes }, ports.clock(), roles);
  if (reason === undefined) return { valid: true, view };
  if (reason !== "insufficient_scope") return denied(reason, view);
  const missing = missingScopes(grantedScopes(view.key, roles), requiredScopes);
  return { valid: false, reason, view, missingScopes: missing };
}
