// What the rows of one run share: a temporary folder, secrets, filled stores and the texts of requests. Each
// is made when the first row asks for it.
import { randomBytes, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MongoClient } from "mongodb";
import { PEPPER_BYTES, type Pepper } from "../../src/domain/api-key/digests.ts";
import { fillStore } from "./keys/fill-store.ts";
import {
  API_KEY_LENGTH,
  KEY_ID_LENGTH,
  keyIdOfApiKey,
  newApiKey,
  newApiKeys,
  withBadChecksum,
} from "./keys/make-keys.ts";
import { zipfOrder } from "./keys/zipf.ts";
import type { KeyCount, Population } from "./row.ts";
import { toolVersion } from "./servers/processes.ts";

export interface Stored {
  readonly apiKeys: readonly string[];
  readonly databasePath: string;
  /** The api_key of a caller that may verify. */
  readonly verifier: string;
  /** The api_key of a caller that may create and refresh. */
  readonly writer: string;
}

export interface Texts {
  readonly file: string;
  readonly width: number;
  readonly first: string;
}

export class World {
  readonly folder = mkdtempSync(join(tmpdir(), "fleetkey-bench-"));
  readonly pepper: Pepper = { version: 1, secret: randomBytes(PEPPER_BYTES) };
  readonly rootKey = randomBytes(32).toString("hex");
  readonly startTime = Date.now();
  readonly tools = { h2load: toolVersion("h2load") };
  readonly isQuick: boolean;
  readonly rounds: number;
  readonly roundMs: number;
  readonly tell: (text: string) => void;
  readonly #made = new Map<string, Promise<unknown>>();
  readonly #mongoUris: string[] = [];

  constructor(isQuick: boolean, tell: (text: string) => void) {
    this.isQuick = isQuick;
    this.rounds = isQuick ? 2 : 5;
    this.roundMs = isQuick ? 1_500 : 4_000;
    this.tell = tell;
    process.on("exit", () => rmSync(this.folder, { recursive: true, force: true }));
  }

  count(keys: KeyCount): number {
    if (keys === "many") return this.isQuick ? 50_000 : 1_000_000;
    if (keys === "some") return this.isQuick ? 5_000 : 20_000;
    return 1_000;
  }

  /** Well-formed keys that are not stored, more than any cache of refusals could hold. */
  get unknownCount(): number {
    return this.isQuick ? 100_000 : 500_000;
  }

  /** Makes something once. */
  once<Made>(name: string, make: () => Promise<Made>): Promise<Made> {
    const made = (this.#made.get(name) as Promise<Made> | undefined) ?? make();
    this.#made.set(name, made);
    return made;
  }

  stored(keys: KeyCount): Promise<Stored> {
    return this.once(`stored ${keys}`, async () => {
      this.tell(`making ${this.count(keys)} keys`);
      const databasePath = join(this.folder, `${keys}.db`);
      const contents = {
        apiKeys: newApiKeys(this.count(keys)),
        verifier: newApiKey("service"),
        writer: newApiKey("service"),
      };
      await fillStore({ kind: "sqlite", path: databasePath }, { ...contents, ...this.#origin() });
      return { ...contents, databasePath };
    });
  }

  /** A database of its own on the server of MONGODB_TEST_URI, if there is one. */
  mongoDatabase(keys: KeyCount): Promise<string | undefined> {
    return this.once(`mongodb ${keys}`, async () => {
      const { MONGODB_TEST_URI } = process.env;
      if (!MONGODB_TEST_URI) return undefined;
      const uri = new URL(MONGODB_TEST_URI);
      uri.pathname = `/fleetkey_bench_${randomUUID()}`;
      this.#mongoUris.push(uri.href);
      const stored = await this.stored(keys);
      await fillStore({ kind: "mongodb", uri: uri.href }, { ...stored, ...this.#origin() });
      return uri.href;
    });
  }

  /** What the requests of a load are about, in a file. */
  texts(population: Population, keys: KeyCount): Promise<Texts> {
    const isStored = population === "stored" || population === "key-ids";
    return this.once(`texts ${population} ${isStored ? keys : ""}`, async () => {
      const texts = await this.#textsOf(population, keys);
      const file = join(this.folder, `texts-${randomUUID()}`);
      writeFileSync(file, `${texts.join("\n")}\n`);
      const width = population === "key-ids" ? KEY_ID_LENGTH : API_KEY_LENGTH;
      return { file, width, first: texts[0] ?? "" };
    });
  }

  /** In which order a load by Zipf's law takes the keys. */
  zipfOrderFile(keys: KeyCount): Promise<string> {
    return this.once(`zipf ${keys}`, async () => {
      const file = join(this.folder, `zipf-${keys}`);
      writeFileSync(file, zipfOrder(this.count(keys), this.isQuick ? 200_000 : 2_000_000));
      return file;
    });
  }

  /** Drops what it has made on MongoDB. The folder goes with the process. */
  async close(): Promise<void> {
    for (const uri of this.#mongoUris) {
      const client = new MongoClient(uri);
      await client.db().dropDatabase();
      await client.close();
    }
  }

  async #textsOf(population: Population, keys: KeyCount): Promise<readonly string[]> {
    if (population === "unknown") return newApiKeys(this.unknownCount);
    if (population === "bad-checksum") return newApiKeys(this.unknownCount).map(withBadChecksum);
    const { apiKeys } = await this.stored(keys);
    return population === "stored" ? apiKeys : apiKeys.map(keyIdOfApiKey);
  }

  #origin() {
    return { pepper: this.pepper, createTime: this.startTime };
  }
}
