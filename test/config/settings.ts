// Settings texts for the tests of the configuration: values that are right and look like nothing real, and
// the message that a set of settings is refused with.
import { loadConfig } from "../../src/config/load-config.ts";
import { StartRefused } from "../../src/domain/errors.ts";

/** Environment variables. */
export type Settings = Readonly<Record<string, string | undefined>>;

/** The shortest root key; `letter` tells several apart. */
export const rootKey = (letter = "r") => letter.repeat(32);

/** A pepper of 32 equal bytes, as FLEETKEY_PEPPERS spells it. */
export const pepper = (version: number, byte = version) => `${version}:${bytes(32, byte)}`;

/** Bytes in base64. */
export const bytes = (count: number, byte = 1) => Buffer.alloc(count, byte).toString("base64");

/** Foreign formats of user keys, as FLEETKEY_FOREIGN_FORMATS spells them. */
export const foreignFormats = (...formats: readonly (readonly [name: string, pattern: string])[]) =>
  JSON.stringify(formats.map(([name, pattern]) => ({ name, type: "user", pattern })));

/** That many different ones. */
export const manyFormats = (count: number) =>
  Array.from({ length: count }, (_, index) => [`format-${index}`, "a"] as const);

/** The settings that MongoDB asks for. */
export const MONGODB: Settings = {
  FLEETKEY_STORE: "mongodb://db.example:27017/fleetkey",
  FLEETKEY_ROOT_KEY: rootKey(),
  FLEETKEY_PEPPERS: pepper(1),
};

/** The lines of the refusal below its heading; empty when the settings are accepted. */
export function troublesOf(settings: Settings): readonly string[] {
  try {
    loadConfig(settings);
    return [];
  } catch (error) {
    if (!(error instanceof StartRefused)) throw error;
    const [heading, ...troubles] = error.message.split("\n  ");
    if (heading !== "wrong settings") throw error;
    return troubles;
  }
}
