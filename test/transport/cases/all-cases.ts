// Every case. One that is in a file of this folder and not in this list runs nowhere.
import { accessCases } from "./access.ts";
import { badInputCases } from "./bad-input.ts";
import { batchCases } from "./batch.ts";
import type { Case } from "./case.ts";
import { createCases } from "./create.ts";
import { eraseCases } from "./erase.ts";
import { leakCases } from "./leaks.ts";
import { limitCases } from "./limits.ts";
import { listingCases } from "./listing.ts";
import { possessionCases } from "./possession.ts";
import { refreshCases } from "./refresh.ts";
import { revokeCases } from "./revoke.ts";
import { scopeCases } from "./scopes.ts";
import { targetCases } from "./target.ts";
import { updateCases } from "./update.ts";

export const ALL_CASES: readonly Case[] = [
  ...createCases,
  ...refreshCases,
  ...revokeCases,
  ...listingCases,
  ...possessionCases,
  ...updateCases,
  ...scopeCases,
  ...limitCases,
  ...leakCases,
  ...eraseCases,
  ...batchCases,
  ...targetCases,
  ...badInputCases,
  ...accessCases,
];
