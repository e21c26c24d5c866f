// Looks for secrets in what a service leaves behind: all bytes of its store, and texts, in every spelling
// that this program or a driver could give them.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { BSON } from "mongodb";
import { expect } from "vitest";
import { ROOT_KEY } from "../../running-service.ts";
import { PEPPER, type TestStore } from "../stores.ts";

/** The lengths of the parts behind the prefix. */
const BODY = { lookup: 12, secret: 30, checksum: 6 };

export const secretOf = (apiKey: string) => apiKey.slice(-BODY.secret - BODY.checksum, -BODY.checksum);

/** The same text with another letter in the secret: its checksum is wrong, and it is nearly the real one. */
export function mistyped(apiKey: string): string {
  const at = apiKey.length - BODY.checksum - 1;
  return `${apiKey.slice(0, at)}${apiKey[at] === "a" ? "b" : "a"}${apiKey.slice(at + 1)}`;
}

/** All that the store holds, as bytes. */
export async function contentOf({ path, database }: TestStore): Promise<Buffer> {
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

/** Both halves of a secret, since half of it is already too much; as text and in hex. */
export function spellingsOf(secret: string): readonly string[] {
  const half = Math.ceil(secret.length / 2);
  const parts = [secret.slice(0, half), secret.slice(half)];
  return [...parts, ...parts.map((part) => Buffer.from(part).toString("hex"))];
}

/** Everything of the service's own that must not be found, in every spelling. */
export function secretsOf(apiKeys: readonly string[]): readonly (string | Buffer)[] {
  const parts = apiKeys.flatMap((apiKey) => spellingsOf(secretOf(apiKey)));
  return [...parts, ROOT_KEY, PEPPER.toString("base64"), PEPPER.toString("hex"), PEPPER];
}

/** How often a text may be percent-encoded. */
const ENCODED_MAX = 3;

/** A text with what it holds in base64 (as details of errors are) and in percent-encoding spelled out. */
export function spelledOut(text: string): string {
  const tokens = text.match(/[\w+/-]{16,}/g) ?? [];
  const decoded = tokens.map((token) => Buffer.from(token, "base64").toString("latin1"));
  return [text, plainOf(text), ...decoded].join("\n");
}

/** Without percent-encoding. Of bytes: a character for each. */
export function plainOf(content: string | Buffer): string {
  let text = typeof content === "string" ? content : content.toString("latin1");
  for (let pass = 0; pass < ENCODED_MAX; pass++) {
    text = text.replace(/%([0-9a-f]{2})/gi, (_, code) => String.fromCharCode(Number.parseInt(code, 16)));
  }
  return text;
}

/** By number: a message of the test is not to show the secret either. */
export function expectNone(content: Buffer | string, secrets: readonly (string | Buffer)[]): void {
  const bytes = Buffer.from(content);
  expect(secrets.flatMap((secret, index) => (bytes.includes(secret) ? [index] : []))).toEqual([]);
}
