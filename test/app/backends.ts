// Runs a suite of the use cases on every backend: whatever rests on what a store guarantees has to hold on
// each.
import { describe } from "vitest";
import { openMongoStore } from "../../src/store/mongo/mongo-store.ts";
import type { Store } from "../../src/store/store.ts";
import { describeMongo, useTestDatabase } from "../mongo-server.ts";
import { openWorld, type World, type WorldOptions } from "./world.ts";

/** Opens an empty world on the backend that the suite runs on. */
export type OpenWorld = (options?: WorldOptions) => Promise<World>;

export function onEachStore(title: string, body: (open: OpenWorld) => void): void {
  describe(`${title}, on SQLite`, () => body(openWorld));
  describeMongo(`${title}, on MongoDB`, () => {
    const database = useTestDatabase();
    body(async (options) => {
      await database().empty();
      return openWorld({ ...options, store: await openMongoStore(database().uri) });
    });
  });
}

/** A store whose every method throws the error. */
export function brokenStore(error: Error): Store {
  const call = () => {
    throw error;
  };
  const part = new Proxy({}, { get: () => call });
  return new Proxy({} as Store, { get: (_, name) => (name === "ping" || name === "close" ? call : part) });
}
