// Covers app/secret/slow-digest-check.ts: bcrypt is slow on purpose, so whoever presents wrong secrets must
// not be able to keep it busy.
import { describe, expect, it, vi } from "vitest";
import { SlowDigestCheck } from "../../../src/app/secret/slow-digest-check.ts";
import { newSecret } from "../../../src/domain/api-key/key-format.ts";
import { keyIdOf, randomLookup } from "../../../src/domain/api-key/key-id.ts";
import { seededBytes } from "../../domain/build.ts";
import { codeOf } from "../outcomes.ts";
import { CountingHash } from "../world.ts";

const FAILURES_KEPT_MAX = 10_000;
const BUSY = "unavailable FALLBACK_BUSY";
const SECRET = newSecret(seededBytes(5));
const WRONG = newSecret(seededBytes(6));
const keyIdAt = (seed: number) => keyIdOf(randomLookup("user", seededBytes(seed)));

async function openCheck() {
  const hash = new CountingHash();
  const check = new SlowDigestCheck(hash);
  const digest = await hash.hash(SECRET);
  const matches = (keyId: string, text = SECRET) => check.matches(keyId, text, digest);
  return { hash, check, matches };
}

/** Holds all comparisons until it is opened. */
function closeGate(hash: CountingHash): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  hash.gate = promise;
  return resolve;
}

describe("bcrypt runs", () => {
  const [first, second, third] = [keyIdAt(1), keyIdAt(2), keyIdAt(3)];

  it("At most one for a key: a second call is told to come back, whatever it presents.", async () => {
    const { hash, matches } = await openCheck();
    const openGate = closeGate(hash);
    const running = matches(first);
    expect(await codeOf(matches(first))).toBe(BUSY);
    expect(await codeOf(matches(first, WRONG))).toBe(BUSY);
    openGate();
    expect(await running).toBe(true);
    expect(await matches(first)).toBe(true);
    expect(hash.comparisons).toBe(2);
  });

  it("At most two in all, and each that ends makes room.", async () => {
    const { hash, matches } = await openCheck();
    const openGate = closeGate(hash);
    const running = [matches(first), matches(second)];
    expect(await codeOf(matches(third))).toBe(BUSY);
    expect(hash.comparisons).toBe(2);
    openGate();
    expect(await Promise.all(running)).toEqual([true, true]);
    expect(await matches(third)).toBe(true);
  });

  it("One that fails makes room as well, and is not remembered as a wrong secret.", async () => {
    const { hash, matches } = await openCheck();
    const matchesHash = vi.spyOn(hash, "matches").mockRejectedValue(new Error("the queue is full"));
    for (const keyId of [first, second, third, first]) await expect(matches(keyId)).rejects.toThrow("full");
    matchesHash.mockRestore();
    expect(await matches(first)).toBe(true);
  });
});

describe("A failed attempt", () => {
  const keyId = keyIdAt(1);

  it("is remembered: the same text runs no bcrypt again.", async () => {
    const { hash, matches } = await openCheck();
    for (let call = 0; call < 3; call++) expect(await matches(keyId, WRONG)).toBe(false);
    expect(hash.comparisons).toBe(1);
    expect(await matches(keyId)).toBe(true);
  });

  it("is one of its digest: the same text may match the key's other one.", async () => {
    const { check, hash, matches } = await openCheck();
    const other = await hash.hash(WRONG);
    expect(await matches(keyId, WRONG)).toBe(false);
    expect(await check.matches(keyId, WRONG, other)).toBe(true);
  });

  it("is one of its key: what one key is refused for costs no other its check.", async () => {
    const { hash, matches } = await openCheck();
    await matches(keyId, WRONG);
    await matches(keyIdAt(2), WRONG);
    expect(hash.comparisons).toBe(2);
  });

  it(`is forgotten after ${FAILURES_KEPT_MAX} others, the oldest first: memory is bounded.`, async () => {
    const { hash, matches } = await openCheck();
    const randomBytes = seededBytes(7);
    const secrets = Array.from({ length: FAILURES_KEPT_MAX + 1 }, () => newSecret(randomBytes));
    for (const secret of secrets) expect(await matches(keyId, secret)).toBe(false);
    const runs = hash.comparisons;
    expect(runs).toBe(secrets.length);
    await matches(keyId, secrets[1]);
    await matches(keyId, secrets.at(-1));
    expect(hash.comparisons).toBe(runs);
    await matches(keyId, secrets[0]);
    expect(hash.comparisons).toBe(runs + 1);
  });
});
