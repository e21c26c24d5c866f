// The secrets that a process needs: the root credentials, and the peppers, held against the store.
import { registerPeppers } from "../../app/secret/register-peppers.ts";
import { peppersOf, rootKeysOf } from "../../config/embedded-secrets.ts";
import type { Config } from "../../config/load-config.ts";
import { type PepperSet, pepperSet } from "../../domain/api-key/digests.ts";
import type { Store } from "../../store/store.ts";

export interface Secrets {
  readonly rootKeys: readonly string[];
  /** The file with the root credential, in embedded mode. */
  readonly rootKeyPath: string | undefined;
  readonly peppers: PepperSet;
  /** Versions that the store knows and this process does not. */
  readonly missingPeppers: readonly number[];
}

export async function prepareSecrets(config: Config, store: Store): Promise<Secrets> {
  const { keys: rootKeys, path: rootKeyPath } = rootKeysOf(config);
  const known = [...(await store.pepperChecks.read()).keys()];
  const peppers = peppersOf(config, known);
  const missingPeppers = await registerPeppers(store.pepperChecks, peppers, config.peppersLost);
  return { rootKeys, rootKeyPath, peppers: pepperSet(peppers, config.peppersLost), missingPeppers };
}
