// Covers app/secret/register-peppers.ts: a pepper that is not the one which the database knows stops the
// start, before it refuses every key or makes digests that no other node can check.
import { expect, it } from "vitest";
import { registerPeppers } from "../../../src/app/secret/register-peppers.ts";
import { pepperCheck } from "../../../src/domain/api-key/digests.ts";
import { StartRefused } from "../../../src/domain/errors.ts";
import { buildPepper } from "../../domain/build.ts";
import { onEachStore } from "../backends.ts";

const [P1, P2, P3] = [buildPepper(1), buildPepper(2), buildPepper(3)];
/** Another secret under the same version. */
const OTHER_P2 = buildPepper(2, 99);

onEachStore("registerPeppers", (open) => {
  const openChecks = async () => (await open()).store.pepperChecks;

  it("keeps a check value of each version, and finds nothing missing", async () => {
    const checks = await openChecks();
    expect(await registerPeppers(checks, [P2, P1], [])).toEqual([]);
    expect(await registerPeppers(checks, [P2, P1], [])).toEqual([]);
    const expected = new Map([P1, P2].map((pepper) => [pepper.version, pepperCheck(pepper)]));
    expect(await checks.read()).toEqual(expected);
  });

  it("The check value leads to neither the pepper nor a MAC of it.", async () => {
    const checks = await openChecks();
    await registerPeppers(checks, [P1], []);
    const kept = [...(await checks.read()).values()].join();
    for (const encoding of ["base64", "base64url", "hex"] as const) {
      expect(kept).not.toContain(P1.secret.toString(encoding).slice(0, 16));
    }
  });

  it("Another secret under a known version stops the start, and the known one stays.", async () => {
    const checks = await openChecks();
    await registerPeppers(checks, [P2, P1], []);
    await expect(registerPeppers(checks, [OTHER_P2, P1], [])).rejects.toThrow(StartRefused);
    await expect(registerPeppers(checks, [P3, OTHER_P2], [])).rejects.toThrow("version 2");
    expect(await registerPeppers(checks, [P2, P1], [3])).toEqual([]);
  });

  it("Of two nodes that start at once with different secrets one is stopped.", async () => {
    const checks = await openChecks();
    const starts = [registerPeppers(checks, [P2], []), registerPeppers(checks, [OTHER_P2], [])];
    const outcomes = (await Promise.allSettled(starts)).map(({ status }) => status);
    expect(outcomes.toSorted()).toEqual(["fulfilled", "rejected"]);
  });

  it("A version that is both given and declared lost stops the start, and nothing is written.", async () => {
    const checks = await openChecks();
    await expect(registerPeppers(checks, [P2, P1], [1])).rejects.toThrow(StartRefused);
    expect(await checks.read()).toEqual(new Map());
  });

  it.each([
    [[P3], [], [1, 2]],
    [[P3, P1], [], [2]],
    [[P3], [1], [2]],
    [[P3], [1, 2], []],
    [[P3, P2, P1], [], []],
    [[P3], [1, 2, 7], []],
  ])("tells the known versions that are neither given nor lost: case %#", async (given, lost, missing) => {
    const checks = await openChecks();
    await registerPeppers(checks, [P2, P1], []);
    expect((await registerPeppers(checks, given, lost)).toSorted()).toEqual(missing);
  });

  it("The refusal does not hold the secret.", async () => {
    const checks = await openChecks();
    await registerPeppers(checks, [P2], []);
    const refusal = await registerPeppers(checks, [OTHER_P2], []).catch((error: Error) => error.message);
    for (const encoding of ["base64", "base64url", "hex"] as const) {
      expect(refusal).not.toContain(OTHER_P2.secret.toString(encoding));
      expect(refusal).not.toContain(P2.secret.toString(encoding));
    }
  });
});
