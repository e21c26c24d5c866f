// Finds the proxies that are on this machine: in PATH, where Debian's packages lie, and in the folder that
// test/mesh/install fills. What is missing is said in the title of a skipped test.
import { execFileSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** Where test/mesh/install puts what comes from PyPI. */
const INSTALLED = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "fleetkey-mesh/bin");
const FOLDERS = [...(process.env.PATH ?? "").split(":"), "/usr/sbin", "/usr/local/sbin"];

export interface Binary {
  readonly path: string;
  readonly version: string;
}

/** The one in INSTALLED, whose version is known, then that of the machine. */
export function binariesOf(name: string, versionArgument: string): readonly Binary[] {
  const paths = [INSTALLED, ...FOLDERS].map((folder) => join(folder, name)).filter(isExecutable);
  const found = paths.map((path) => ({ path, version: versionOf(path, versionArgument) }));
  // /bin and /usr/bin can be one folder.
  return [...new Map(found.reverse().map((binary) => [binary.version, binary])).values()];
}

/** Python with what test/mesh/install has put beside it. */
export const PYTHON = join(INSTALLED, "python");

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function versionOf(path: string, argument: string): string {
  // nginx says it on standard error.
  const said = execFileSync("sh", ["-c", '"$0" "$1" 2>&1', path, argument], { encoding: "utf8" });
  return /\d+\.\d+\.\d+/.exec(said)?.[0] ?? "of an unknown version";
}
