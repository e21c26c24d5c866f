// Finds a MongoDB server for the run: MONGODB_TEST_URI, or one that mongodb-memory-server fetches and starts.
// Without either the MongoDB cases are skipped, which is said aloud; with CI=true that fails the run instead.
import { MongoBinary, MongoMemoryServer } from "mongodb-memory-server-core";
import type { TestProject } from "vitest/node";

/** Where the server is, or why there is none. */
export type MongoServer = { readonly uri: string } | { readonly missing: string };

declare module "vitest" {
  interface ProvidedContext {
    readonly mongoServer: MongoServer;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.MONGODB_TEST_URI;
  if (given) {
    project.provide("mongoServer", { uri: given });
    return async () => {};
  }
  try {
    const server = await startServer();
    project.provide("mongoServer", { uri: server.getUri() });
    return async () => void (await server.stop());
  } catch (error) {
    const missing = `MONGODB_TEST_URI is not set and no server can be started: ${firstLineOf(error)}`;
    if (process.env.CI === "true") throw new Error(missing, { cause: error });
    process.stderr.write(`\nThe MongoDB cases are SKIPPED. ${missing}\n\n`);
    project.provide("mongoServer", { missing });
    return async () => {};
  }
}

async function startServer(): Promise<MongoMemoryServer> {
  // A machine without the download stays without it: repetitions only hold up the run. The package counts the
  // first attempt as a retry.
  process.env.MONGOMS_MAX_RETRIES ??= "1";
  // Fetched in a step of its own, because the server prints the whole stack of what is told above in a line.
  const systemBinary = await MongoBinary.getPath();
  return MongoMemoryServer.create({ binary: { systemBinary } });
}

function firstLineOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replaceAll(/\s+/g, " ").trim().slice(0, 200);
}
