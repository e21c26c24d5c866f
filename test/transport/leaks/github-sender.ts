// GitHub for tests: key pairs made at run time, the file of public keys in the form of GitHub's API, and
// reports that are signed as GitHub signs them.
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { callHttp1 } from "../wire/http1.ts";
import { openHttp2 } from "../wire/http2.ts";

export const PATH = "/leaks/github";

/** A pair of keys, and the name that the public one is published under. */
export interface Signer {
  readonly identifier: string;
  readonly privateKey: KeyObject;
  readonly pem: string;
}

export function newSigner(identifier: string, namedCurve = "prime256v1"): Signer {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve });
  return { identifier, privateKey, pem: String(publicKey.export({ type: "spki", format: "pem" })) };
}

/** What GitHub's API serves. */
export function keysJson(signers: readonly Pick<Signer, "identifier" | "pem">[]): string {
  const public_keys = signers.map(({ identifier, pem }, index) => ({
    key_identifier: identifier,
    key: pem,
    is_current: index === 0,
  }));
  return JSON.stringify({ public_keys });
}

/** A file in a folder of its own. */
export function keysFile(text: string): { readonly path: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), "fleetkey-github-"));
  const path = join(folder, "keys.json");
  writeFileSync(path, text);
  return { path, remove: () => rmSync(folder, { recursive: true }) };
}

/** The headers that say who signed the body. */
export function signed(body: string | Uint8Array, { identifier, privateKey }: Signer) {
  return {
    "content-type": "application/json",
    "github-public-key-identifier": identifier,
    "github-public-key-signature": sign("sha256", Buffer.from(body), privateKey).toString("base64"),
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

type Headers = Readonly<Record<string, string>>;

/** Sends a body to a path and gives the answer. */
export type Send = (
  url: string,
  request: { method?: string; path?: string; headers: Headers; body?: string | Uint8Array },
) => Promise<Answer>;

/** Through both versions of HTTP. */
export const SENDS: readonly (readonly [string, Send])[] = [
  ["HTTP/1.1", (url, { path = PATH, ...request }) => callHttp1(url, { path, ...request })],
  [
    "HTTP/2",
    async (url, { method = "POST", path = PATH, headers, body }) => {
      const http2 = openHttp2(url);
      try {
        return await http2.request({ ":method": method, ":path": path, ...headers }, body);
      } finally {
        http2.close();
      }
    },
  ],
];
