// Every case. One that is in a file of this folder and not in this list runs nowhere.
import { accessCases } from "./access.ts";
import { badInputCases } from "./bad-input.ts";
import { batchCases } from "./batch.ts";
import type { Case } from "./case.ts";
import { createCases } from "./create.ts";
import { listingCases } from "./listing.ts";
import { possessionCases } from "./possession.ts";
import { refreshCases } from "./refresh.ts";
import { revokeCases } from "./revoke.ts";
import { scopeCases } from "./scopes.ts";
import { targetCases } from "./target.ts";

export const ALL_CASES: readonly Case[] = [
  ...createCases,
  ...refreshCases,
  ...revokeCases,
  ...listingCases,
  ...possessionCases,
  ...scopeCases,
  ...batchCases,
  ...targetCases,
  ...badInputCases,
  ...accessCases,
];
