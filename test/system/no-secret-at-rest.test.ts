// No api_key, no secret part of one, no root credential and no pepper is ever stored or printed: not in the
// database files, not in any document, not in the log at its finest level, whatever was asked and wherever a
// caller put it.

import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { BSON } from "mongodb";
import { expect, it } from "vitest";
import { KeyType } from "../../gen/fleetkey/v1/key_pb.js";
import { ROOT_KEY } from "../running-service.ts";
import { type Client, clientOf, failureOf, verdictOn } from "./client.ts";
import { IS_LONG } from "./long-run.ts";
import { type ServiceRun, useProcesses } from "./process.ts";
import { describeOnStores, PEPPER, type TestStore } from "./stores.ts";

const ROUNDS = IS_LONG ? 20 : 2;
/** The lengths of the parts behind the prefix. */
const BODY = { lookup: 12, secret: 30, checksum: 6 };

/** One of each type, by what the type asks for. */
const OWNERS = [
  { type: KeyType.USER, userId: "user-1" },
  { type: KeyType.ORGANIZATION, organizationId: "org-1" },
  { type: KeyType.SERVICE, serviceAccountId: "svc-1" },
  { type: KeyType.PUBLISHABLE, userId: "user-1" },
  { type: KeyType.INTEGRATION, provider: "stripe", userId: "user-1" },
];
const COLLECTIONS = OWNERS.map(({ type }) => `${KeyType[type].toLowerCase()}_keys`);

const secretOf = (apiKey: string) => apiKey.slice(-BODY.secret - BODY.checksum, -BODY.checksum);

/** The same text with another letter in the secret: its checksum is wrong, and it is nearly the real one. */
function mistyped(apiKey: string): string {
  const at = apiKey.length - BODY.checksum - 1;
  return `${apiKey.slice(0, at)}${apiKey[at] === "a" ? "b" : "a"}${apiKey.slice(at + 1)}`;
}

/** Every call there is on keys of every type, rightly and wrongly; gives all api_keys that were in play. */
async function useKeys(client: Client, url: string): Promise<{ apiKeys: string[]; keyIds: string[] }> {
  const apiKeys: string[] = [];
  const keyIds: string[] = [];
  for (const owner of OWNERS) {
    const { apiKey, key } = await client.keys.create({ ...owner, requestId: randomUUID() });
    const keyId = key?.keyId ?? "";
    expect(await verdictOn(client, apiKey)).toBe("VALID");
    const refreshed = await client.keys.refresh({
      target: { case: "keyId", value: keyId },
      grace: { seconds: 60n },
    });
    expect(await verdictOn(client, apiKey)).toBe("VALID");
    const again = await client.keys.refresh({ target: { case: "apiKey", value: refreshed.apiKey } });
    expect(await verdictOn(client, apiKey)).toBe("UNKNOWN");
    const wrong = [mistyped(again.apiKey), again.apiKey.replace("_dev_", "_prod_"), `${again.apiKey}x`];
    for (const text of wrong) expect(await verdictOn(client, text)).toMatch(/^(MALFORMED|UNKNOWN)$/);
    await misplace(url, again.apiKey);
    await client.keys.revoke({ target: { case: "apiKey", value: again.apiKey }, reason: "of no more use" });
    expect(await verdictOn(client, again.apiKey)).toBe("REVOKED");
    apiKeys.push(apiKey, refreshed.apiKey, again.apiKey, ...wrong);
    keyIds.push(keyId);
  }
  await client.keys.revokeAllForUser({ userId: "user-1" });
  return { apiKeys, keyIds };
}

/** Puts an api_key wherever a caller could by mistake, and expects a refusal that does not repeat it. */
async function misplace(url: string, apiKey: string): Promise<void> {
  const service = `${url}/fleetkey.v1.KeyService`;
  const asRoot = { authorization: `Bearer ${ROOT_KEY}`, "content-type": "application/json" };
  const asKey = { ...asRoot, authorization: `Bearer ${apiKey}` };
  const post = (target: string, headers: Readonly<Record<string, string>>, body: unknown) =>
    fetch(target, { method: "POST", headers, body: typeof body === "string" ? body : JSON.stringify(body) });
  const answers = await Promise.all([
    post(`${service}/Get`, asRoot, { keyId: apiKey }),
    post(`${service}/Verify`, asRoot, { [apiKey]: true }),
    post(`${service}/Verify`, asRoot, { apiKey: [apiKey] }),
    post(`${service}/Verify`, asRoot, `{"apiKey": "${apiKey}"`),
    post(`${service}/Verify`, asRoot, { apiKey, expectedType: apiKey }),
    post(`${service}/Create`, asRoot, { type: "KEY_TYPE_USER", userId: "u", provider: apiKey }),
    post(`${service}/List`, asRoot, { pageToken: apiKey }),
    post(`${service}/${apiKey}`, asRoot, {}),
    post(`${service}/Verify`, asKey, { apiKey }),
    post(`${service}/Verify`, { ...asRoot, "x-api-key": apiKey }, { apiKey }),
    fetch(`${url}/${apiKey}`),
  ]);
  for (const answer of answers) {
    const text = await answer.text();
    expect(answer.status).toBeGreaterThanOrEqual(400);
    for (const secret of [secretOf(apiKey), ROOT_KEY]) expect(text).not.toContain(secret);
  }
}

/** All that the store holds, as bytes. */
async function contentOf({ path, database }: TestStore): Promise<Buffer> {
  if (path !== undefined) {
    const folder = dirname(path);
    return Buffer.concat(readdirSync(folder).map((name) => readFileSync(join(folder, name))));
  }
  const collections = (await database?.db.collections()) ?? [];
  const documents = (await Promise.all(collections.map((found) => found.find().toArray()))).flat();
  // As text, and as it goes over the wire: EJSON spells binary fields in base64.
  const texts = documents.map((document) => Buffer.from(BSON.EJSON.stringify(document)));
  return Buffer.concat([...texts, ...documents.map((document) => BSON.serialize(document))]);
}

/** Every spelling of what must not be found. */
function secretsOf(apiKeys: readonly string[]): readonly (string | Buffer)[] {
  const plain = [
    ...apiKeys,
    ...apiKeys.map(secretOf),
    ROOT_KEY,
    PEPPER.toString("base64"),
    PEPPER.toString("hex"),
  ];
  const encoded = apiKeys.map((apiKey) => Buffer.from(secretOf(apiKey)).toString("hex"));
  return [...plain, ...encoded, PEPPER];
}

function expectNone(content: Buffer, secrets: readonly (string | Buffer)[]): void {
  // By number: a message of the test is not to show the secret either.
  expect(secrets.flatMap((secret, index) => (content.includes(secret) ? [index] : []))).toEqual([]);
}

describeOnStores("no secret at rest", (fresh) => {
  const processes = useProcesses();

  it("after every call, in the store and in the output of the process", async () => {
    const store = fresh();
    const service: ServiceRun = await processes.start({ ...store.settings, FLEETKEY_LOG_LEVEL: "trace" });
    const client = clientOf(service.url);
    const apiKeys: string[] = [];
    const keyIds: string[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const used = await useKeys(client, service.url);
      apiKeys.push(...used.apiKeys);
      keyIds.push(...used.keyIds);
    }
    const stranger = clientOf(service.url, apiKeys[0]);
    expect(await failureOf(stranger.keys.get({ keyId: keyIds[0] ?? "" }))).toMatchObject({
      code: "Unauthenticated",
    });

    const running = await contentOf(store);
    await processes.stop(service);
    const stopped = await contentOf(store);
    // What may be there is found, so the search does look where the data is.
    for (const content of [running, stopped]) {
      expect(keyIds.filter((keyId) => !content.includes(keyId))).toEqual([]);
      expectNone(content, secretsOf(apiKeys));
    }
    expect(service.run.output).toContain("fleetkey.v1.KeyService/Verify");
    expectNone(Buffer.from(service.run.output), secretsOf(apiKeys));
  });

  it("each type's keys lie in a collection of their own", async () => {
    const store = fresh();
    const client = clientOf((await processes.start(store.settings)).url);
    const keyIds: string[] = [];
    for (const owner of OWNERS) keyIds.push((await client.keys.create(owner)).key?.keyId ?? "");
    expect(await keyIdsByCollection(store)).toEqual(
      Object.fromEntries(COLLECTIONS.map((name, index) => [name, [keyIds[index]]])),
    );
  });
});

/** The key_ids in each collection (table) of keys. */
async function keyIdsByCollection({
  path,
  database,
}: TestStore): Promise<Record<string, readonly unknown[]>> {
  const entries = COLLECTIONS.map(async (name) => {
    const found = await database?.db.collection(name).find().toArray();
    return [name, found?.map(({ _id }) => _id) ?? keyIdsInTable(path ?? "", name)] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

function keyIdsInTable(path: string, name: string): readonly unknown[] {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return database
      .prepare(`SELECT key_id FROM ${name}`)
      .all()
      .map((row) => row["key_id"]);
  } finally {
    database.close();
  }
}
