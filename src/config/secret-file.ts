// Secrets that embedded mode makes for itself: files that only their owner can read, written whole or not at
// all.
import { randomUUID } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { StartRefused } from "../domain/errors.ts";

/** Reads the file; undefined when there is none. Refuses one that others can read. */
export function readSecretFile(path: string): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  if ((stat.mode & 0o077) !== 0) {
    throw new StartRefused(
      `${path} can be read by others: run chmod 600 ${path}, and replace what was exposed`,
    );
  }
  return readFileSync(path, "utf8").trim();
}

/**
 * Writes the file if there is none, readable by its owner only and on the disk before this returns. Gives
 * what is in it then, which is another process's text when that was faster.
 */
export function createSecretFile(path: string, text: string): string {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  // A random name: a process that died right here may have had the same id (in a container it is always 1).
  const draft = `${path}.${randomUUID()}.new`;
  const file = openSync(draft, "wx", 0o600);
  try {
    writeSync(file, `${text}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  try {
    // A link, unlike a rename, fails when the name is taken.
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    unlinkSync(draft);
  }
  syncDirectory(dirname(path));
  return readSecretFile(path) ?? text;
}

// Without it a power cut can take the new name away, and with it the only copy of a pepper.
function syncDirectory(path: string): void {
  const directory = openSync(path, "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
