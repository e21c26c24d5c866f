// Covers the file of GitHub's public keys: read as GitHub's API serves it, and refused at start with a
// message that says what is wrong, and where, when it is anything else.
import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it, onTestFinished } from "vitest";
import { isSigned, readGithubKeys } from "../../../src/transport/leaks/github-keys.ts";
import { runService } from "../../running-service.ts";
import { keysFile, keysJson, newSigner, signed } from "./github-sender.ts";

const A = newSigner("key-a");
const B = newSigner("key-b");

function fileOf(text: string): string {
  const { path, remove } = keysFile(text);
  onTestFinished(remove);
  return path;
}

describe("The file of GitHub's keys", () => {
  it("is read as the API serves it, current keys and former ones, whatever else it says", () => {
    const served = JSON.parse(keysJson([A, B])) as Record<string, unknown>;
    const keys = readGithubKeys(fileOf(JSON.stringify({ ...served, more: 1 }, undefined, 2)));
    expect([...keys.keys()]).toEqual(["key-a", "key-b"]);
    const body = Buffer.from("[]");
    for (const signer of [A, B]) {
      const signature = signed(body, signer)["github-public-key-signature"];
      const accepting = [...keys].filter(([, key]) => isSigned(key, body, signature));
      expect(accepting.map(([identifier]) => identifier)).toEqual([signer.identifier]);
    }
  });

  const rsa = generateKeyPairSync("rsa", { modulusLength: 2_048 }).publicKey;
  const FORM = /^FLEETKEY_GITHUB_KEYS: \S+ is not of the form \{"public_keys":\[.*api\.github\.com/;
  const NO_KEY = /^FLEETKEY_GITHUB_KEYS: in \S+ the key key-c is not a public key of P-256 in PEM$/;
  const rsaPem = String(rsa.export({ type: "spki", format: "pem" }));
  const privatePem = String(A.privateKey.export({ type: "pkcs8", format: "pem" }));
  const withKey = (pem: string) => keysJson([A, { identifier: "key-c", pem }]);
  it.each<[string, string, RegExp]>([
    ["empty", "", /^FLEETKEY_GITHUB_KEYS: \S+ is not JSON; save what https:\/\/api\.github\.com/],
    ["cut off", keysJson([A]).slice(0, -1), /is not JSON/],
    ["a list", "[]", FORM],
    ["of another form", '{"keys":[]}', FORM],
    ["without keys", keysJson([]), FORM],
    ["with a key without a name", keysJson([{ ...A, identifier: "" }]), FORM],
    ["with a key that is none", '{"public_keys":[{"key_identifier":"a","key":1}]}', FORM],
    ["with a name twice", keysJson([A, { ...B, identifier: "key-a" }]), /holds the key key-a twice$/],
    ["with a text for a key", withKey("x"), NO_KEY],
    ["with an empty PEM", withKey("-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n"), NO_KEY],
    ["with a key of another curve", withKey(newSigner("", "secp384r1").pem), NO_KEY],
    ["with a key of another kind", withKey(rsaPem), NO_KEY],
    ["with a private key", withKey(privatePem), NO_KEY],
  ])("stops the start when it is %s", async (_, text, message) => {
    const path = fileOf(text);
    const start = runService({ FLEETKEY_GITHUB_KEYS: path });
    await expect(start).rejects.toMatchObject({
      name: "StartRefused",
      message: expect.stringMatching(message),
    });
    await start.catch((error: Error) => expect(error.message).not.toContain("PRIVATE"));
  });

  it("stops the start when it is not there", async () => {
    const start = runService({ FLEETKEY_GITHUB_KEYS: "/nowhere/keys.json" });
    await expect(start).rejects.toThrow(/^FLEETKEY_GITHUB_KEYS: cannot read \/nowhere\/keys\.json: ENOENT/);
  });
});

describe("A signature", () => {
  const keys = readGithubKeysOf(A);
  const body = Buffer.from('[{"token":"a","type":"b"}]');
  const good = signed(body, A)["github-public-key-signature"];
  const der = Buffer.from(good, "base64");

  it("is right for the very bytes that were signed", () => {
    expect(isSigned(keys, body, good)).toBe(true);
    for (let index = 0; index < body.length; index++) {
      const changed = Buffer.from(body.map((byte, at) => (at === index ? byte ^ 1 : byte)));
      expect(isSigned(keys, changed, good)).toBe(false);
    }
    expect(isSigned(keys, Buffer.concat([body, Buffer.from(" ")]), good)).toBe(false);
    expect(isSigned(keys, body.subarray(1), good)).toBe(false);
  });

  it.each([
    ["nothing", ""],
    ["no base64", "!"],
    ["another signer's", signed(body, B)["github-public-key-signature"]],
    ["another body's", signed("[]", A)["github-public-key-signature"]],
    ["cut off", der.subarray(0, -1).toString("base64")],
    ["of zeros", Buffer.alloc(der.length).toString("base64")],
    ["zero as both numbers", Buffer.from("3006020100020100", "hex").toString("base64")],
    ["one as both numbers", Buffer.from("3006020101020101", "hex").toString("base64")],
    ["hexadecimal", der.toString("hex")],
    ["twice, as node joins two headers", `${good}, ${good}`],
    ["with a space before it", ` ${good}`],
    ["with a line feed behind it", `${good}\n`],
  ])("is wrong when it is %s", (_, signature) => {
    expect(isSigned(keys, body, signature)).toBe(false);
  });
});

function readGithubKeysOf(signer: typeof A) {
  const { path, remove } = keysFile(keysJson([signer]));
  try {
    const key = readGithubKeys(path).get(signer.identifier);
    if (key === undefined) throw new Error("the key is in the file");
    return key;
  } finally {
    remove();
  }
}
