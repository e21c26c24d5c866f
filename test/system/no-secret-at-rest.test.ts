// No api_key, no secret part of one, no root credential and no pepper is ever stored, printed or told in an
// error or an event: not in the database files, not in any document, not in the log at its finest level,
// whatever was asked and wherever a caller put it.

import { DatabaseSync } from "node:sqlite";
import { afterEach, expect, it } from "vitest";
import { EventService } from "../../gen/fleetkey/v1/event_service_pb.js";
import { KeyType } from "../../gen/fleetkey/v1/key_pb.js";
import { KeyService } from "../../gen/fleetkey/v1/key_service_pb.js";
import { ROOT_KEY } from "../running-service.ts";
import { keysFile, keysJson, newSigner } from "../transport/leaks/github-sender.ts";
import { allEvents, clientOf } from "./client.ts";
import { IS_LONG } from "./long-run.ts";
import { type ServiceRun, useProcesses } from "./process.ts";
import { callEveryRpc, OWNERS, settingsFor, Trace } from "./secrets/every-rpc.ts";
import {
  contentOf,
  expectNone,
  plainOf,
  secretOf,
  secretsOf,
  spelledOut,
  spellingsOf,
} from "./secrets/search.ts";
import { describeOnStores, type TestStore } from "./stores.ts";

const ROUNDS = IS_LONG ? 20 : 1;
const COLLECTIONS = OWNERS.map(({ type }) => `${KeyType[type].toLowerCase()}_keys`);
const RPCS = [...KeyService.methods, ...EventService.methods].map(
  ({ parent, name }) => `${parent.typeName}/${name}`,
);

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

it("the search finds half of a secret, as it is, in hex, in base64 and in a URL", () => {
  const apiKey = `fl_user_dev_u${"0123456789abcdefghijk"}${"lmnopqrstuvwxyzABCDEFGHIJK"}`;
  const half = Buffer.from(secretOf(apiKey).slice(0, 15));
  const encoded = String(half).replace(/./g, (letter) => `%25${letter.charCodeAt(0).toString(16)}`);
  for (const text of [String(half), half.toString("hex"), half.toString("base64"), encoded]) {
    expect(() => expectNone(spelledOut(` "${text}" `), secretsOf([apiKey]))).toThrow();
  }
  expectNone(spelledOut("nothing of it"), secretsOf([apiKey]));
});

/** The rpcs that a log tells of as answered without an error; a Watch goes on until its client leaves it. */
function rpcsIn(logged: string): ReadonlySet<unknown> {
  const lines = logged.split("\n").filter((line) => line.includes('"msg":"call"'));
  const calls = lines.map((line) => JSON.parse(line) as { readonly rpc: string; readonly code: string });
  return new Set(calls.filter(({ code }) => ["ok", "Canceled"].includes(code)).map(({ rpc }) => rpc));
}

describeOnStores("no secret at rest", (fresh) => {
  const processes = useProcesses();
  const github = newSigner("current");
  const files: ReturnType<typeof keysFile>[] = [];
  afterEach(() => {
    for (const file of files.splice(0)) file.remove();
  });

  it("after every rpc, in the store, in errors and events, and in the output of the process", async () => {
    const store = fresh();
    const file = keysFile(keysJson([github]));
    files.push(file);
    const service: ServiceRun = await processes.start({
      ...store.settings,
      ...settingsFor(file.path),
      FLEETKEY_LOG_LEVEL: "trace",
    });
    const trace = new Trace();
    for (let round = 0; round < ROUNDS; round++) await callEveryRpc(service.url, github, trace);
    await misplace(service.url, trace.apiKeys.at(-1) ?? "");
    const events = JSON.stringify(await allEvents(clientOf(service.url)), (_, value) =>
      typeof value === "bigint" ? String(value) : value,
    );

    const running = await contentOf(store);
    await processes.stop(service);
    const stopped = await contentOf(store);
    const foreign = trace.foreignKeys.flatMap(spellingsOf);
    const secrets = [...secretsOf(trace.apiKeys), ...foreign];
    // What may be there is found, so the search does look where the data is.
    for (const content of [running, stopped]) {
      expect(trace.keyIds.filter((keyId) => !content.includes(keyId))).toEqual([]);
      expectNone(content, secrets);
      expectNone(plainOf(content), secrets);
    }
    expect(trace.keyIds.filter((keyId) => !events.includes(keyId))).toEqual([]);
    const { output } = service.run;
    expect(rpcsIn(output)).toEqual(new Set(RPCS));
    const digests = trace.digests.flatMap((digest) => [digest, ...spellingsOf(digest)]);
    for (const told of [output, events, trace.errors.join("\n")]) {
      expectNone(spelledOut(told), [...secrets, ...digests]);
    }
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
