// At start: holds the peppers against the check values in the store, so that a version that was given another
// secret stops the process instead of refusing every key.
import { type Pepper, pepperCheck } from "../../domain/api-key/digests.ts";
import { StartRefused } from "../../domain/errors.ts";
import type { PepperCheckStore } from "../../store/store.ts";

/**
 * Registers versions that are new. Throws StartRefused on a difference. Gives the versions that the store
 * knows and that are neither accepted nor lost: keys under them cannot be checked by this node.
 */
export async function registerPeppers(
  checks: PepperCheckStore,
  accepted: readonly Pepper[],
  lost: readonly number[],
): Promise<readonly number[]> {
  for (const { version } of accepted) {
    if (!lost.includes(version)) continue;
    throw new StartRefused(
      `FLEETKEY_PEPPERS_LOST: pepper version ${version} is given and declared lost; it is one or the other`,
    );
  }
  for (const pepper of accepted) await checks.insert(pepper.version, pepperCheck(pepper));
  const known = await checks.read();
  for (const pepper of accepted) {
    if (known.get(pepper.version) === pepperCheck(pepper)) continue;
    throw new StartRefused(
      `FLEETKEY_PEPPERS: version ${pepper.version} is not the secret that the database knows under this ` +
        "version: give the right one, or a new secret a new version",
    );
  }
  const usable = new Set([...accepted.map(({ version }) => version), ...lost]);
  return [...known.keys()].filter((version) => !usable.has(version));
}
