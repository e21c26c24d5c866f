// Starts the program with a bug in it: one text of one module is replaced while it is loaded, by
// plant-on-load.ts in the process itself. A plant whose text is not there exactly once stops the start, so
// that none can vanish unseen.
import { join } from "node:path";
import type { Settings } from "../../process.ts";

/** A bug as a replacement. */
export interface Plant {
  /** What is wrong then. */
  readonly name: string;
  /** From the top of the project. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** A shorter lease than by default, for a bug that shows only a short time after the change. */
  readonly leaseMs?: number;
}

/** How plant-on-load.ts is told; the prefix is not one of the program's, which refuses unknown settings. */
export const PLANT_VARIABLE = "PLANTED_BUG";

const LOADER = join(import.meta.dirname, "plant-on-load.ts");

/** What the program is started with; without a plant it is nothing. */
export function plantedStart(plant: Plant | undefined): {
  readonly nodeArguments: readonly string[];
  readonly settings: Settings;
  /** What it prints once the bug is in it. */
  readonly prints: string;
} {
  if (plant === undefined) return { nodeArguments: [], settings: {}, prints: "" };
  const settings = {
    ...(plant.leaseMs === undefined ? {} : { FLEETKEY_LEASE: `${plant.leaseMs}ms` }),
    [PLANT_VARIABLE]: JSON.stringify(plant),
    // Where other runs look for what was compiled of the same files.
    NODE_DISABLE_COMPILE_CACHE: "1",
  };
  return { nodeArguments: ["--import", LOADER], settings, prints: plantedSign(plant) };
}

export function plantedSign({ name }: Plant): string {
  return `planted: ${name}\n`;
}

/** The text with the bug. Throws when the place is not there, or there more than once. */
export function planted(text: string, { name, file, find, replace }: Plant): string {
  const parts = text.split(find);
  if (parts.length !== 2) {
    throw new Error(`"${name}": its text is ${parts.length - 1} times in ${file} and not once`);
  }
  return parts.join(replace);
}
