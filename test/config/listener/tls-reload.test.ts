// TLS files that change under a listener: new connections get the new certificate and are held against the
// new CA, open ones go on; what makes no listener is told once and changes nothing.
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { readTlsFiles, type TlsFiles } from "../../../src/config/listener/tls-files.ts";
import { TlsReload } from "../../../src/config/listener/tls-reload.ts";
import { loadConfig } from "../../../src/config/load-config.ts";
import { type Listener, listen } from "../../../src/transport/listener/server.ts";
import { plainHttp } from "../../../src/transport/plain-http.ts";
import { type ClientCertificate, certificateAuthority } from "../../transport/wire/certificate-authority.ts";
import { openHttp1 } from "../../transport/wire/http1.ts";
import { openHttp2 } from "../../transport/wire/http2.ts";
import { type Certificate, selfSigned } from "../../transport/wire/self-signed.ts";

const HEALTH = { method: "GET", path: "/healthz" };
const [first, second] = [selfSigned(), selfSigned()];
const [firstCa, secondCa] = [certificateAuthority(), certificateAuthority()];
afterAll(() => {
  for (const { remove } of [first, second, firstCa, secondCa]) remove();
});

let folder: string;
let files: TlsFiles;
let listener: Listener;
let reload: TlsReload;
let failures: unknown[];
let changes: number;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "fleetkey-reload-"));
  files = {
    certPath: join(folder, "cert"),
    keyPath: join(folder, "key"),
    clientCaPath: join(folder, "ca"),
  };
  install("cert", "key", first);
  copyFileSync(firstCa.path, join(folder, "ca"));
  await start();
});
afterEach(async () => {
  await listener.stop(0);
  rmSync(folder, { recursive: true });
});

async function start(): Promise<void> {
  const tls = readTlsFiles(files);
  listener = await listen({
    address: { kind: "tcp", host: "127.0.0.1", port: 0 },
    tls,
    limits: loadConfig({}).limits,
    handler: plainHttp,
    isStream: () => false,
    onRefused: () => {},
  });
  failures = [];
  changes = 0;
  reload = new TlsReload(files, tls, {
    changed(texts) {
      changes += 1;
      listener.changeTls(texts);
    },
    failed: (error) => failures.push(error),
  });
}

function install(cert: string, key: string, { settings }: Certificate): void {
  copyFileSync(settings["FLEETKEY_TLS_CERT"] ?? "", join(folder, cert));
  copyFileSync(settings["FLEETKEY_TLS_KEY"] ?? "", join(folder, key));
}

/** Whether a connection that trusts only this certificate is answered. */
async function trusts({ pem }: Certificate): Promise<boolean> {
  const connection = await openHttp1(listener.url, pem).catch(() => undefined);
  const answer = await connection?.request(HEALTH);
  connection?.close();
  return answer?.status === 200;
}

/** Whether a client with this certificate is let in. */
function letsIn(certificate: ClientCertificate, server = first): Promise<boolean> {
  const { hostname: host, port } = new URL(listener.url);
  const socket = connect({ host, port: Number(port), ca: server.pem, ...certificate });
  socket.write("GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
  return new Promise((resolve) => {
    socket.once("data", () => resolve(true));
    socket.once("error", () => resolve(false)).once("close", () => resolve(false));
  });
}

describe("a new certificate and key", () => {
  it("are for the next connections, over both protocols", async () => {
    expect([await trusts(first), await trusts(second)]).toEqual([true, false]);
    install("cert", "key", second);
    expect([await trusts(first), await trusts(second)]).toEqual([true, false]);
    reload.check();
    expect([await trusts(first), await trusts(second)]).toEqual([false, true]);
    const http2 = openHttp2(listener.url, { ca: second.pem });
    expect(await http2.request({ ":path": "/healthz" })).toMatchObject({ status: 200 });
    http2.close();
    expect([changes, failures]).toEqual([1, []]);
  });

  it("leave open connections alone", async () => {
    const http1 = await openHttp1(listener.url, first.pem);
    const http2 = openHttp2(listener.url, { ca: first.pem });
    await http2.request({ ":path": "/healthz" });
    install("cert", "key", second);
    reload.check();
    expect(await http1.request(HEALTH)).toMatchObject({ status: 200 });
    expect(await http2.request({ ":path": "/healthz" })).toMatchObject({ status: 200 });
    http1.close();
    http2.close();
  });

  it("are found where a link leads that is swapped as Kubernetes does it", async () => {
    for (const [name, certificate] of [
      ["v1", first],
      ["v2", second],
    ] as const) {
      mkdirSync(join(folder, name));
      install(`${name}/cert`, `${name}/key`, certificate);
    }
    symlinkSync("v1", join(folder, "data"));
    for (const name of ["cert", "key"]) {
      rmSync(join(folder, name));
      symlinkSync(join("data", name), join(folder, name));
    }
    reload.check();
    expect(changes).toBe(0);
    symlinkSync("v2", join(folder, "next"));
    renameSync(join(folder, "next"), join(folder, "data"));
    reload.check();
    expect([await trusts(first), await trusts(second)]).toEqual([false, true]);
  });

  it("keep the version and the ALPN", async () => {
    install("cert", "key", second);
    reload.check();
    const { hostname: host, port } = new URL(listener.url);
    const old = { minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const;
    const refused = new Promise<Error>((resolve) => {
      connect({ host, port: Number(port), ca: second.pem, ...old }).once("error", resolve);
    });
    expect(String(await refused)).toMatch(/alert protocol version/);
  });
});

describe("a new client CA", () => {
  let ofFirst: ClientCertificate;
  let ofSecond: ClientCertificate;
  beforeAll(() => {
    ofFirst = firstCa.issue(["DNS.1 = a.internal"]);
    ofSecond = secondCa.issue(["DNS.1 = a.internal"]);
  });

  it("decides about the next connections", async () => {
    expect([await letsIn(ofFirst), await letsIn(ofSecond)]).toEqual([true, false]);
    copyFileSync(secondCa.path, join(folder, "ca"));
    reload.check();
    expect([await letsIn(ofFirst), await letsIn(ofSecond)]).toEqual([false, true]);
  });

  it("can be both for a time", async () => {
    writeFileSync(join(folder, "ca"), firstCa.pem + secondCa.pem);
    reload.check();
    expect([await letsIn(ofFirst), await letsIn(ofSecond)]).toEqual([true, true]);
  });
});

describe("files that make no listener", () => {
  it.each<readonly [string, () => void, RegExp]>([
    [
      "a certificate without its key",
      () => copyFileSync(second.settings["FLEETKEY_TLS_CERT"] ?? "", files.certPath),
      /are not a certificate and its key/,
    ],
    ["a key that is gone", () => rmSync(files.keyPath), /FLEETKEY_TLS_KEY: cannot read/],
    ["an empty certificate", () => writeFileSync(files.certPath, ""), /are not a certificate and its key/],
    [
      "half a certificate",
      () => writeFileSync(files.certPath, first.pem.slice(0, 200)),
      /are not a certificate/,
    ],
    [
      "an empty CA",
      () => writeFileSync(join(folder, "ca"), ""),
      /FLEETKEY_TLS_CLIENT_CA: .* no certificate in PEM/,
    ],
    [
      "a CA of rubbish",
      () =>
        writeFileSync(join(folder, "ca"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
      /FLEETKEY_TLS_CLIENT_CA: .* is no certificate/,
    ],
  ])("%s: told once, the former stay", async (_what, spoil, message) => {
    spoil();
    reload.check();
    reload.check();
    expect(failures.map(String)).toEqual([expect.stringMatching(message)]);
    expect(changes).toBe(0);
    expect([await trusts(first), await letsIn(firstCa.issue(["DNS.1 = a"]))]).toEqual([true, true]);
  });

  it("are told again when they are wrong again, and are forgotten once they are right", async () => {
    writeFileSync(files.certPath, "");
    reload.check();
    install("cert", "key", first);
    reload.check();
    expect([failures.length, changes]).toEqual([1, 0]);
    writeFileSync(files.certPath, "");
    reload.check();
    expect(failures).toHaveLength(2);
    install("cert", "key", second);
    reload.check();
    expect([failures.length, changes]).toEqual([2, 1]);
    expect(await trusts(second)).toBe(true);
  });

  it("never tell what stands in the key", () => {
    const key = readFileSync(files.keyPath, "utf8");
    writeFileSync(files.keyPath, key.slice(0, -60));
    reload.check();
    expect(failures).toHaveLength(1);
    expect(String(failures[0])).not.toContain(key.split("\n")[1]);
  });
});
