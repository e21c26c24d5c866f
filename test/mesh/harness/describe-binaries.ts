// Runs a suite with each version of a proxy that is on the machine; where there is none, a skipped test says
// so.
import { describe, it } from "vitest";
import { type Binary, binariesOf } from "./binaries.ts";

export function describeBinaries(
  name: string,
  versionArgument: string,
  define: (binary: Binary) => void,
): void {
  const binaries = binariesOf(name, versionArgument);
  if (binaries.length === 0) {
    describe(name, () => {
      it.skip("is not on this machine: test/mesh/install brings it", () => {});
    });
  }
  for (const binary of binaries) define(binary);
}
