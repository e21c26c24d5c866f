// Nothing personal of an erased user is left anywhere in the store: not in any document, not in any byte of
// the database files. That of others is still found, so the search does look where the data is.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BSON } from "mongodb";
import { describe, expect, it, onTestFinished } from "vitest";
import { eraseUser } from "../../../src/app/principals/erase-user.ts";
import { openMongoStore } from "../../../src/store/mongo/mongo-store.ts";
import { openSqliteStore } from "../../../src/store/sqlite/sqlite-store.ts";
import { describeMongo, type TestDatabase, useTestDatabase } from "../../mongo-server.ts";
import { openWorld, ROOT, type World } from "../world.ts";
import { type ErasableUser, makeUser } from "./erasable-user.ts";

/** Two users, the first of which is erased; `contentOf` reads all that is stored. */
async function eraseOneOfTwo(world: World, contentOf: () => Promise<Buffer>): Promise<void> {
  const { ports, clock } = world;
  const erased = await makeUser(ports, 1);
  const other = await makeUser(ports, 22);
  const before = await contentOf();
  expect(missingIn(before, [...personalOf(erased), ...personalOf(other)])).toEqual([]);
  clock.now += 1_000;
  await eraseUser(ports, ROOT, { userId: erased.userId, requestId: "request-1" });
  const after = await contentOf();
  expect(missingIn(after, personalOf(erased))).toEqual(personalOf(erased));
  expect(missingIn(after, [...personalOf(other), ...erased.keyIds])).toEqual([]);
}

/** The id of one user is not in that of the other, so each text is searched for in any surroundings. */
function personalOf({ userId, addresses }: ErasableUser): readonly string[] {
  const texts = ["laptop", "phone", "the key", "browser", "illness", "key stolen from home"];
  return [userId, `${userId}@`, `paste.example/${userId}`, ...addresses, `${addresses[0]}/32`].concat(
    texts.map((text) => `${text} of ${userId}`),
  );
}

const missingIn = (content: Buffer, texts: readonly string[]) =>
  texts.filter((text) => !content.includes(text));

describe("An erased user's data, on SQLite", () => {
  it("is nowhere in the files", async () => {
    const folder = mkdtempSync(join(tmpdir(), "fleetkey-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const path = join(folder, "fleetkey.db");
    const world = await openWorld({ store: await openSqliteStore(path) });
    await eraseOneOfTwo(world, async () => {
      const bytes = readdirSync(folder).map((name) => readFileSync(join(folder, name)));
      return Buffer.concat(bytes);
    });
  });
});

describeMongo("An erased user's data, on MongoDB", () => {
  const database = useTestDatabase();

  it("is nowhere in the documents", async () => {
    await database().empty();
    const world = await openWorld({ store: await openMongoStore(database().uri) });
    await eraseOneOfTwo(world, () => documentsOf(database()));
  });
});

/** As text, and as they go over the wire. */
async function documentsOf({ db }: TestDatabase): Promise<Buffer> {
  const documents = (await Promise.all((await db.collections()).map((each) => each.find().toArray()))).flat();
  const texts = documents.map((document) => Buffer.from(BSON.EJSON.stringify(document)));
  return Buffer.concat([...texts, ...documents.map((document) => BSON.serialize(document))]);
}
