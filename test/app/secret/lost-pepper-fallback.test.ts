// Covers app/secret/lost-pepper-fallback.ts: bcrypt is slow on purpose, so whoever presents wrong secrets
// must not be able to keep it busy, and what surrounds the secret must be the key's.
import { describe, expect, it, vi } from "vitest";
import { LostPepperFallback } from "../../../src/app/secret/lost-pepper-fallback.ts";
import { formatApiKey, newSecret } from "../../../src/domain/api-key/key-format.ts";
import { lookupOf } from "../../../src/domain/api-key/key-id.ts";
import type { KeyRecord } from "../../../src/domain/key.ts";
import { buildGeneration, buildKey, buildPrefixes, seededBytes } from "../../domain/build.ts";
import { keyAt } from "../../store/build.ts";
import { codeOf } from "../outcomes.ts";
import { CountingHash } from "../world.ts";

const FAILURES_KEPT_MAX = 10_000;
const BUSY = "unavailable FALLBACK_BUSY";
const SECRET = newSecret(seededBytes(5));

async function openFallback() {
  const hash = new CountingHash();
  const fallback = new LostPepperFallback(hash);
  const generation = buildGeneration({ bcrypt: await hash.hash(SECRET) });
  const matches = (key: KeyRecord, secret = SECRET, apiKey = apiKeyOf(key, secret)) =>
    fallback.matches(apiKey, secret, key, generation);
  return { hash, fallback, matches };
}

function apiKeyOf(key: KeyRecord, secret = SECRET): string {
  return formatApiKey(key.prefix, lookupOf(key.keyId) ?? "", secret);
}

/** Holds all comparisons until it is opened. */
function closeGate(hash: CountingHash): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  hash.gate = promise;
  return resolve;
}

describe("The right secret in a text that is not the key's api_key is refused without bcrypt", () => {
  const key = buildKey();
  const lookup = lookupOf(key.keyId) ?? "";
  it.each([
    ["another type's prefix", formatApiKey(buildPrefixes().service, lookup, SECRET)],
    ["another environment's prefix", formatApiKey("fl_user_dev", lookup, SECRET)],
    ["another lookup part", formatApiKey(key.prefix, `u${lookup.slice(1).toUpperCase()}`, SECRET)],
    ["another checksum", `${apiKeyOf(key).slice(0, -6)}000000`],
    ["something before it", `x${apiKeyOf(key)}`],
    ["something behind it", `${apiKeyOf(key)}x`],
    ["nothing around it", SECRET],
  ])("%s", async (_, apiKey) => {
    const { hash, matches } = await openFallback();
    expect(await matches(key, SECRET, apiKey)).toBe(false);
    expect(hash.comparisons).toBe(0);
    expect(await matches(key)).toBe(true);
  });
});

describe("bcrypt runs", () => {
  const [first, second, third] = [keyAt(1), keyAt(2), keyAt(3)];

  it("At most one for a key: a second call is told to come back, whatever it presents.", async () => {
    const { hash, matches } = await openFallback();
    const openGate = closeGate(hash);
    const running = matches(first);
    expect(await codeOf(matches(first))).toBe(BUSY);
    expect(await codeOf(matches(first, newSecret(seededBytes(6))))).toBe(BUSY);
    openGate();
    expect(await running).toBe(true);
    expect(await matches(first)).toBe(true);
    expect(hash.comparisons).toBe(2);
  });

  it("At most two in all, and each that ends makes room.", async () => {
    const { hash, matches } = await openFallback();
    const openGate = closeGate(hash);
    const running = [matches(first), matches(second)];
    expect(await codeOf(matches(third))).toBe(BUSY);
    expect(hash.comparisons).toBe(2);
    openGate();
    expect(await Promise.all(running)).toEqual([true, true]);
    expect(await matches(third)).toBe(true);
  });

  it("One that fails makes room as well, and is not remembered as a wrong secret.", async () => {
    const { hash, matches } = await openFallback();
    const matchesHash = vi.spyOn(hash, "matches").mockRejectedValue(new Error("the queue is full"));
    for (const key of [first, second, third, first]) await expect(matches(key)).rejects.toThrow("full");
    matchesHash.mockRestore();
    expect(await matches(first)).toBe(true);
  });
});

describe("A failed attempt", () => {
  const key = buildKey();
  const wrong = newSecret(seededBytes(6));

  it("is remembered: the same text runs no bcrypt again.", async () => {
    const { hash, matches } = await openFallback();
    for (let call = 0; call < 3; call++) expect(await matches(key, wrong)).toBe(false);
    expect(hash.comparisons).toBe(1);
    expect(await matches(key)).toBe(true);
  });

  it("is one of its generation: the same text may be another one's secret.", async () => {
    const { fallback, hash } = await openFallback();
    const apiKey = apiKeyOf(key);
    const newest = buildGeneration({ number: 2, bcrypt: await hash.hash(wrong) });
    const former = buildGeneration({ number: 1, bcrypt: await hash.hash(SECRET) });
    expect(await fallback.matches(apiKey, SECRET, key, newest)).toBe(false);
    expect(await fallback.matches(apiKey, SECRET, key, former)).toBe(true);
  });

  it(`is forgotten after ${FAILURES_KEPT_MAX} others, the oldest first: memory is bounded.`, async () => {
    const { hash, matches } = await openFallback();
    const randomBytes = seededBytes(7);
    const secrets = Array.from({ length: FAILURES_KEPT_MAX + 1 }, () => newSecret(randomBytes));
    for (const secret of secrets) expect(await matches(key, secret)).toBe(false);
    const runs = hash.comparisons;
    expect(runs).toBe(secrets.length);
    await matches(key, secrets[1]);
    await matches(key, secrets.at(-1));
    expect(hash.comparisons).toBe(runs);
    await matches(key, secrets[0]);
    expect(hash.comparisons).toBe(runs + 1);
  });
});
