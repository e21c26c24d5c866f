// Runs a case through a client: fills in what steps take from former answers, calls, and compares.
import type { JsonObject } from "@bufbuild/protobuf";
import { expect } from "vitest";
import { ROOT_KEY } from "../../running-service.ts";
import type { Client, Outcome } from "../clients/client.ts";
import { type Answers, type Case, Computed, type CredentialKind, type Expected, valueAt } from "./case.ts";

const WRONG = "not-the-root-key-".padEnd(40, "y");

const CREDENTIALS: Readonly<Record<CredentialKind, Readonly<Record<string, string>>>> = {
  root: { authorization: `Bearer ${ROOT_KEY}` },
  "root in X-API-Key": { "x-api-key": ROOT_KEY },
  "root twice": { authorization: `Bearer ${ROOT_KEY}`, "x-api-key": ROOT_KEY },
  none: {},
  wrong: { authorization: `Bearer ${WRONG}` },
  "wrong X-API-Key": { "x-api-key": WRONG },
  Basic: { authorization: `Basic ${Buffer.from(`root:${ROOT_KEY}`).toString("base64")}` },
  empty: { authorization: "Bearer" },
  "two different": { authorization: `Bearer ${ROOT_KEY}`, "x-api-key": WRONG },
};

let runs = 0;

export async function runCase(client: Client, { steps, needs }: Case): Promise<void> {
  const kept: Record<string, JsonObject> = {};
  // The process makes it unlike that of a test file that runs beside this one.
  const answers: Answers = { kept, run: `${process.pid}-${++runs}` };
  for (const [index, step] of steps.entries()) {
    const request = filledIn(step.request, answers) as JsonObject;
    const isLast = index === steps.length - 1;
    const outcome = await client.call(step.rpc, request, {
      headers: CREDENTIALS[step.as ?? "root"],
      withUnknownNumber: isLast && needs === "unknown_number",
    });
    compare(outcome, step.expect ?? {}, answers, `step ${index + 1}, ${step.rpc}`);
    if (step.keep !== undefined) kept[step.keep] = outcome.response ?? {};
  }
}

function compare(outcome: Outcome, expected: Expected, answers: Answers, at: string): void {
  const said = `${at}: ${outcome.message ?? JSON.stringify(outcome.response)}`;
  expect(outcome.code, said).toBe(expected.code ?? "ok");
  if (expected.code === undefined) compareResponse(outcome, expected, answers, at);
  else compareError(outcome, expected, answers, said);
}

function compareError(outcome: Outcome, expected: Expected, answers: Answers, said: string): void {
  const { errorInfo, violations, retryDelay } = outcome.details ?? {};
  if (expected.reason !== undefined) {
    expect(errorInfo, said).toMatchObject({ domain: "fleetkey", reason: expected.reason });
  }
  if (expected.metadata !== undefined) {
    expect(errorInfo?.metadata, said).toEqual(filledIn(expected.metadata, answers));
  }
  expect(violations?.toSorted(), said).toEqual(expected.violations?.toSorted());
  expect(retryDelay, said).toBe(expected.retryDelay);
}

function compareResponse(outcome: Outcome, expected: Expected, answers: Answers, at: string): void {
  if (expected.response !== undefined) {
    expect(outcome.response, at).toMatchObject(filledIn(expected.response, answers) as object);
  }
  for (const path of expected.without ?? []) {
    expect(valueAt(outcome.response, path), `${at}: ${path}`).toBeUndefined();
  }
}

// Matchers of vitest are objects of classes of their own and stay as they are.
function filledIn(value: unknown, answers: Answers): unknown {
  if (value instanceof Computed) return value.of(answers);
  if (Array.isArray(value)) return value.map((item) => filledIn(item, answers));
  if (typeof value !== "object" || value === null) return value;
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, filledIn(item, answers)]));
}
