// Every rpc of the contract, rightly and wrongly, on keys of every type, by callers of every kind. Gives all
// secrets that were in play, and all that was answered to what went wrong.
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { type MessageInitShape, toJsonString } from "@bufbuild/protobuf";
import { ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, Http2SessionManager } from "@connectrpc/connect-node";
import bcrypt from "bcrypt";
import { EventSchema } from "../../../gen/fleetkey/v1/event_pb.js";
import { KeyType } from "../../../gen/fleetkey/v1/key_pb.js";
import {
  type CreateRequestSchema,
  DigestAlgorithm,
  ImportOutcome,
  type ImportRecordSchema,
  KeyService,
} from "../../../gen/fleetkey/v1/key_service_pb.js";
import { ROOT_KEY } from "../../running-service.ts";
import { PATH as GITHUB_PATH, type Signer, signed } from "../../transport/leaks/github-sender.ts";
import { type Client, clientOf, verdictOn } from "../client.ts";
import { mistyped } from "./search.ts";

/** One of each type, by what the type asks for. */
export const OWNERS = [
  { type: KeyType.USER, userId: "user-1" },
  { type: KeyType.ORGANIZATION, organizationId: "org-1" },
  { type: KeyType.SERVICE, serviceAccountId: "svc-1" },
  { type: KeyType.PUBLISHABLE, userId: "user-1" },
  { type: KeyType.INTEGRATION, provider: "stripe", userId: "user-1" },
];

/** Settings that this needs: formats of api_keys that others issued, and GitHub's public keys. */
export const settingsFor = (githubKeysPath: string) => ({
  FLEETKEY_GITHUB_KEYS: githubKeysPath,
  FLEETKEY_FOREIGN_FORMATS: JSON.stringify([
    { name: "legacy", type: "user", pattern: "lk_(?<lookup>[a-f0-9]{8})_[a-f0-9]{40}" },
  ]),
});

/** What was in play, and the errors that were answered, as text. */
export class Trace {
  readonly apiKeys: string[] = [];
  readonly keyIds: string[] = [];
  /** Of another system: never to be found, and digests of them, which only the store may hold. */
  readonly foreignKeys: string[] = [];
  readonly digests: string[] = [];
  readonly errors: string[] = [];

  /** Expects an error, and keeps all of it. */
  async refused(call: Promise<unknown>): Promise<void> {
    const error = await call.then(
      () => {
        throw new Error("the call succeeded");
      },
      (thrown: unknown) => ConnectError.from(thrown),
    );
    const details = error.details.map((detail) =>
      "value" in detail && detail.value instanceof Uint8Array
        ? Buffer.from(detail.value).toString("latin1")
        : "",
    );
    const headers = [...error.metadata].map((pair) => pair.join(": "));
    this.errors.push(error.message, ...details, ...headers);
  }

  async created(client: Client, owner: MessageInitShape<typeof CreateRequestSchema>) {
    const { apiKey, key } = await client.keys.create({ ...owner, requestId: randomUUID() });
    const keyId = key?.keyId ?? "";
    this.apiKeys.push(apiKey);
    this.keyIds.push(keyId);
    return { apiKey, keyId };
  }
}

/** All of it, once. */
export async function callEveryRpc(url: string, github: Signer, trace: Trace): Promise<void> {
  const client = clientOf(url);
  for (const owner of OWNERS) await useKey(client, url, owner, trace);
  await useCallers(client, url, trace);
  await reportLeaks(client, url, github, trace);
  await importKeys(client, url, trace);
  await useStreams(url, trace);
  await client.keys.list({ userId: "user-1" });
  await client.events.listEvents({ pageSize: 5 });
  await client.keys.revokeAllForUser({ userId: "user-1" });
  await client.keys.revokeAllForOrganization({ organizationId: "org-1" });
  await client.keys.revokeAllForServiceAccount({ serviceAccountId: "svc-1" });
  await client.keys.eraseUser({ userId: "user-1" });
}

/** A key's whole life, with wrong api_keys in between. */
async function useKey(
  client: Client,
  url: string,
  owner: (typeof OWNERS)[number],
  trace: Trace,
): Promise<void> {
  const { apiKey, keyId } = await trace.created(client, owner);
  const byKeyId = { case: "keyId", value: keyId } as const;
  const refreshed = await client.keys.refresh({ target: byKeyId, grace: { seconds: 60n } });
  await client.keys.update({ key: { keyId, name: "renamed" }, updateMask: { paths: ["name"] } });
  await client.keys.get({ keyId });
  const again = await client.keys.refresh({ target: { case: "apiKey", value: refreshed.apiKey } });
  const wrong = [mistyped(again.apiKey), again.apiKey.replace("_dev_", "_prod_"), `${again.apiKey}x`];
  trace.apiKeys.push(refreshed.apiKey, again.apiKey, ...wrong);
  await client.keys.batchVerify({
    requests: [apiKey, ...wrong, again.apiKey].map((text) => ({ apiKey: text })),
  });
  for (const text of wrong) {
    const target = { case: "apiKey", value: text } as const;
    await verdictOn(client, text);
    await trace.refused(client.keys.refresh({ target }));
    await trace.refused(client.keys.revoke({ target }));
    // By possession, and as a credential.
    await trace.refused(withoutCredential(url).revoke({ target }));
    await trace.refused(clientOf(url, text).keys.list({}));
  }
  await client.keys.revoke({ target: { case: "apiKey", value: again.apiKey }, reason: "of no more use" });
  await trace.refused(client.keys.refresh({ target: { case: "apiKey", value: again.apiKey } }));
  await trace.refused(clientOf(url, again.apiKey).keys.get({ keyId }));
}

function withoutCredential(url: string) {
  return createClient(KeyService, createConnectTransport({ baseUrl: url, httpVersion: "1.1" }));
}

/** Keys as credentials: one that may, one that may not, one of everybody. */
async function useCallers(client: Client, url: string, trace: Trace): Promise<void> {
  const owner = { type: KeyType.SERVICE, serviceAccountId: "svc-2" };
  const reader = await trace.created(client, { ...owner, scopes: ["fleetkey:read"] });
  await clientOf(url, reader.apiKey).keys.get({ keyId: reader.keyId });
  await trace.refused(clientOf(url, reader.apiKey).keys.verify({ apiKey: reader.apiKey }));
  await trace.refused(clientOf(url, `${reader.apiKey}, ${ROOT_KEY}`).keys.list({}));
  const publishable = await trace.created(client, { type: KeyType.PUBLISHABLE });
  await trace.refused(clientOf(url, publishable.apiKey).keys.list({}));
  await trace.refused(
    withoutCredential(url).refresh({ target: { case: "apiKey", value: publishable.apiKey } }),
  );
}

/** Every character as its code, as some put it into a URL. */
const percentEncoded = (text: string) =>
  [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");

/** Leaks, with the api_key also where it was found, through the rpc and as GitHub tells of them. */
async function reportLeaks(client: Client, url: string, github: Signer, trace: Trace): Promise<void> {
  const forms = [
    (text: string) => text,
    percentEncoded,
    (text: string) => percentEncoded(percentEncoded(text)),
  ];
  for (const form of forms) {
    const owner = { type: KeyType.SERVICE, serviceAccountId: "svc-3" };
    const [told, found] = [await trace.created(client, owner), await trace.created(client, owner)];
    const at = (apiKey: string) => `https://example.com/?q=${form(apiKey)}`;
    const report = (apiKey: string, source: string) =>
      client.keys.reportLeak({ apiKey, source, url: at(apiKey) });
    await report(told.apiKey, told.apiKey);
    const unknown = mistyped(found.apiKey);
    trace.apiKeys.push(unknown);
    await report(unknown, "scanner");
    const tokens = [found.apiKey, unknown].map((token) => ({ token, type: "fleetkey_key", url: at(token) }));
    const body = JSON.stringify(tokens);
    const answer = await fetch(`${url}${GITHUB_PATH}`, {
      method: "POST",
      headers: signed(body, github),
      body,
    });
    trace.errors.push(await answer.text());
    const refused = await fetch(`${url}${GITHUB_PATH}`, {
      method: "POST",
      headers: signed("[]", github),
      body,
    });
    trace.errors.push(await refused.text());
    if (answer.status !== 200 || refused.status !== 401) throw new Error("GitHub was answered otherwise");
  }
}

/** The digests that a system could have of its keys. */
const DIGESTS: readonly (readonly [DigestAlgorithm, (apiKey: string) => string])[] = [
  [DigestAlgorithm.SHA256_HEX, (apiKey) => createHash("sha256").update(apiKey).digest("hex")],
  [DigestAlgorithm.SHA256_BASE64URL, (apiKey) => createHash("sha256").update(apiKey).digest("base64url")],
  [DigestAlgorithm.BCRYPT, (apiKey) => bcrypt.hashSync(apiKey, 4)],
];

type ImportRecord = MessageInitShape<typeof ImportRecordSchema>;

/** Keys of another system, by each kind of digest; taken, refused and used. */
async function importKeys(client: Client, url: string, trace: Trace): Promise<void> {
  const apiKeys: string[] = [];
  const records: ImportRecord[] = [];
  for (const [algorithm, digestOf] of DIGESTS) {
    const [lookup, secret] = [randomBytes(4).toString("hex"), randomBytes(20).toString("hex")];
    const apiKey = `lk_${lookup}_${secret}`;
    const digest = digestOf(apiKey);
    apiKeys.push(apiKey);
    trace.foreignKeys.push(secret);
    trace.digests.push(digest);
    const isBcrypt = algorithm === DigestAlgorithm.BCRYPT;
    records.push({ format: "legacy", algorithm, digest, userId: "user-2", lookup: isBcrypt ? lookup : "" });
  }
  const wrong = records.map((record) => ({ ...record, scopes: ["NOT"] }) as ImportRecord);
  const misplaced = apiKeys.map((digest) => ({ ...records[0], digest }) as ImportRecord);
  const outcomes = await importBatches(url, [records, wrong, misplaced], trace);
  const taken = outcomes.filter((outcome) => outcome === ImportOutcome.IMPORTED).length;
  if (taken !== records.length || outcomes.length !== 3 * taken) throw new Error("the import went otherwise");
  for (const apiKey of apiKeys) {
    if ((await verdictOn(client, apiKey)) !== "VALID") throw new Error("an imported key does not verify");
    await trace.refused(clientOf(url, apiKey).keys.list({}));
  }
}

/** Rightly and wrongly, in one stream; and all changes so far. */
async function useStreams(url: string, trace: Trace): Promise<void> {
  const sessionManager = new Http2SessionManager(url);
  const transport = createConnectTransport({ baseUrl: url, httpVersion: "2", sessionManager });
  const keys = createClient(KeyService, transport);
  const headers = { authorization: `Bearer ${ROOT_KEY}` };
  async function* requests() {
    for (const apiKey of trace.apiKeys) yield { request: { apiKey, clientAddress: "" } };
    for (const apiKey of trace.apiKeys) yield { request: { apiKey, clientAddress: apiKey } };
  }
  for await (const { result } of keys.verifyStream(requests(), { headers })) {
    if (result.case === "error") trace.errors.push(result.value.message);
  }
  const left = new AbortController();
  for await (const { events } of keys.watch({ cursor: "w1.0" }, { headers, signal: left.signal })) {
    trace.errors.push(...events.map((event) => toJsonString(EventSchema, event)));
    if (events.length === 0) break;
  }
  left.abort();
  await trace.refused(keys.watch({ cursor: trace.apiKeys[0] }, { headers })[Symbol.asyncIterator]().next());
  sessionManager.abort();
}

async function importBatches(
  url: string,
  batches: readonly ImportRecord[][],
  trace: Trace,
): Promise<readonly ImportOutcome[]> {
  const sessionManager = new Http2SessionManager(url);
  const transport = createConnectTransport({ baseUrl: url, httpVersion: "2", sessionManager });
  async function* requests() {
    for (const records of batches) yield { records };
  }
  const headers = { authorization: `Bearer ${ROOT_KEY}` };
  const outcomes: ImportOutcome[] = [];
  for await (const { results } of createClient(KeyService, transport).import(requests(), { headers })) {
    for (const { outcome, error } of results) {
      outcomes.push(outcome);
      const details = error?.details.map(({ value }) => Buffer.from(value).toString("latin1")) ?? [];
      trace.errors.push(error?.message ?? "", ...details);
    }
  }
  sessionManager.abort();
  return outcomes;
}
