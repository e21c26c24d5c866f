// How the tests run: every *.test.ts below test/, each file in a process of its own, so that no file can
// disturb another one's. The MongoDB server that some of them need comes from test/global-setup.ts.
import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/** The long run has fifty times the counts. */
const isLong = process.env.TEST_LONG === "1";
const report = process.env.TEST_REPORT;

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/global-setup.ts"],
    pool: "forks",
    // Many files wait for a database most of the time, so no core is kept back.
    maxWorkers: availableParallelism(),
    testTimeout: isLong ? 600_000 : 20_000,
    // The gate reads from a report what ran and what was skipped.
    reporters: report === undefined ? ["default"] : ["default", ["json", { outputFile: report }]],
    hookTimeout: isLong ? 600_000 : 30_000,
  },
});
