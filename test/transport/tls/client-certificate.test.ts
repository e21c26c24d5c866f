// Client certificates over the wire: one that the CA signed is a name with scopes, one that it did not sign
// gets no connection, none is nobody; over both protocols and versions of TLS, and never by resumption.
import { connect as connectHttp2 } from "node:http2";
import { connect, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readTlsFiles } from "../../../src/config/listener/tls-files.ts";
import { loadConfig } from "../../../src/config/load-config.ts";
import { type Listener, listen } from "../../../src/transport/listener/server.ts";
import { type ClientScopes, certificateIdentity } from "../../../src/transport/tls/client-certificate.ts";
import {
  type CertificateAuthority,
  type ClientCertificate,
  certificateAuthority,
} from "../wire/certificate-authority.ts";
import { answerTo } from "../wire/http2.ts";
import { selfSigned } from "../wire/self-signed.ts";

const CHECKOUT = "spiffe://cluster.local/ns/shop/sa/checkout";
const SCOPES: ClientScopes = new Map([
  [CHECKOUT, ["fleetkey:verify"]],
  ["gateway.internal", ["fleetkey:verify", "fleetkey:read"]],
  ["b.internal", ["fleetkey:create"]],
]);
const VERIFIER = { name: CHECKOUT, scopes: ["fleetkey:verify"] };
const GATEWAY = { name: "gateway.internal", scopes: ["fleetkey:verify", "fleetkey:read"] };
const DAY_MS = 86_400_000;

const server = selfSigned();
let authority: CertificateAuthority;
let other: CertificateAuthority;
let listener: Listener;
let now: number;
const refused: string[] = [];

beforeAll(async () => {
  authority = certificateAuthority();
  other = certificateAuthority();
  // Certificates are issued after this line.
  now = Date.now() + 60_000;
  const { FLEETKEY_TLS_CERT: certPath = "", FLEETKEY_TLS_KEY: keyPath = "" } = server.settings;
  listener = await listen({
    address: { kind: "tcp", host: "127.0.0.1", port: 0 },
    tls: readTlsFiles({ certPath, keyPath, clientCaPath: authority.path }),
    limits: loadConfig({}).limits,
    handler: (request, response) => {
      const identity = certificateIdentity(request.socket, SCOPES, now);
      response.end(JSON.stringify({ identity, resumed: (request.socket as TLSSocket).isSessionReused() }));
    },
    isStream: () => false,
    onRefused: ({ detail = "" }) => refused.push(detail),
  });
});
afterAll(async () => {
  await listener.stop(0);
  for (const { remove } of [server, authority, other]) remove();
});

interface Presented {
  readonly certificate?: ClientCertificate;
  readonly version?: "TLSv1.2" | "TLSv1.3";
  readonly session?: Buffer;
}

type Answer = { readonly identity?: unknown; readonly resumed: boolean };

function optionsOf({ certificate, version, session }: Presented) {
  const versions = version && { minVersion: version, maxVersion: version };
  return { ca: server.pem, ...certificate, ...versions, session };
}

async function overHttp2(presented: Presented): Promise<Answer> {
  const session = connectHttp2(listener.url, optionsOf(presented)).on("error", () => {});
  try {
    return JSON.parse((await answerTo(session.request({ ":path": "/" }))).body) as Answer;
  } finally {
    session.destroy();
  }
}

/** The answer, and the session that the server offered for resumption, if it did. */
async function overHttp1(presented: Presented, offered: Buffer[] = []): Promise<Answer> {
  const { hostname: host, port } = new URL(listener.url);
  const socket = connect({ host, port: Number(port), ALPNProtocols: ["http/1.1"], ...optionsOf(presented) });
  socket.on("session", (session) => offered.push(session));
  socket.write("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
  let text = "";
  for await (const chunk of socket) text += String(chunk);
  if (text === "") throw new Error("the connection ended without an answer");
  return JSON.parse(text.slice(text.indexOf("{"), text.lastIndexOf("}") + 1)) as Answer;
}

const PROTOCOLS = [
  { over: "HTTP/1.1", call: overHttp1 },
  { over: "HTTP/2", call: overHttp2 },
];
const VERSIONS = ["TLSv1.2", "TLSv1.3"] as const;
const WAYS = PROTOCOLS.flatMap((protocol) => VERSIONS.map((version) => ({ ...protocol, version })));

describe.each(WAYS)("over $over and $version", ({ call, version }) => {
  it("a client with a certificate that has a name with scopes is that name", async () => {
    const certificate = authority.issue([`URI.1 = ${CHECKOUT}`]);
    expect((await call({ certificate, version })).identity).toEqual(VERIFIER);
  });

  it("a client without a certificate is answered and is nobody", async () => {
    expect((await call({ version })).identity).toBeUndefined();
  });

  it.each([
    { what: "another CA's", issue: () => other.issue([`URI.1 = ${CHECKOUT}`]) },
    { what: "an expired one", issue: () => authority.issue([`URI.1 = ${CHECKOUT}`], 0) },
    { what: "one that signs itself", issue: () => ({ cert: other.pem, key: other.key }) },
    { what: "one for servers", issue: () => authority.issue([`URI.1 = ${CHECKOUT}`], 2, "serverAuth") },
  ])("a client with $what gets no connection", async ({ issue }) => {
    await expect(call({ certificate: issue(), version })).rejects.toThrow();
    expect((await call({ version })).identity).toBeUndefined();
  });
});

describe("a certificate with", () => {
  it.each<readonly [string, readonly string[], unknown]>([
    ["a DNS name", ["DNS.1 = gateway.internal"], GATEWAY],
    ["a DNS name in capitals", ["DNS.1 = GateWay.Internal"], GATEWAY],
    ["the name among others", ["DNS.1 = a.internal", "DNS.2 = gateway.internal", "IP.1 = 10.0.0.1"], GATEWAY],
    ["a SPIFFE id beside a name without scopes", [`URI.1 = ${CHECKOUT}`, "DNS.1 = a.internal"], VERIFIER],
    [
      "two names that have scopes: it has those of both",
      ["DNS.1 = b.internal", `URI.1 = ${CHECKOUT}`],
      { name: CHECKOUT, scopes: ["fleetkey:verify", "fleetkey:create"] },
    ],
    ["the name in its subject's CN only", [], undefined],
    ["the name in its CN and another as DNS", ["DNS.1 = a.internal"], undefined],
    ["a wildcard over the name", ["DNS.1 = *.internal"], undefined],
    ["a name below the name", ["DNS.1 = a.gateway.internal"], undefined],
    ["a name that begins with the name", ["DNS.1 = gateway.internal.evil"], undefined],
    ["a name that ends with a dot", ["DNS.1 = gateway.internal."], undefined],
    ["the name as an e-mail address", ["email.1 = gateway.internal@a"], undefined],
    ["the DNS name as a URI", ["URI.1 = gateway.internal"], undefined],
    ["the SPIFFE id as a DNS name", [`DNS.1 = ${CHECKOUT}`], undefined],
    ["a SPIFFE id in other letters", [`URI.1 = ${CHECKOUT.replace("shop", "Shop")}`], undefined],
    ["a SPIFFE id below it", [`URI.1 = ${CHECKOUT}/x`], undefined],
    ["two URIs: it is to be rejected", [`URI.1 = ${CHECKOUT}`, "URI.2 = spiffe://a/b"], undefined],
    [
      "two URIs and the name",
      ["URI.1 = https://a", "URI.2 = https://b", "DNS.1 = gateway.internal"],
      undefined,
    ],
    ["a name that holds the name", ["DNS.1 = evil\\, DNS:gateway.internal"], undefined],
  ])("%s", async (_what, names, identity) => {
    expect((await overHttp1({ certificate: authority.issue(names) })).identity).toEqual(identity);
  });

  it("an end that has come while the connection was open counts no longer", async () => {
    const certificate = authority.issue(["DNS.1 = gateway.internal"]);
    const started = now;
    now += 3 * DAY_MS;
    expect((await overHttp2({ certificate })).identity).toBeUndefined();
    now = started - 3 * DAY_MS;
    expect((await overHttp2({ certificate })).identity).toBeUndefined();
    now = started;
    expect((await overHttp2({ certificate })).identity).toEqual(GATEWAY);
  });
});

describe.each(VERSIONS)("resumption over %s", (version) => {
  it("is not offered, so that every connection's certificate is checked", async () => {
    const certificate = authority.issue(["DNS.1 = gateway.internal"]);
    const offered: Buffer[] = [];
    await overHttp1({ certificate, version }, offered);
    for (const session of offered) {
      const answer = await overHttp1({ certificate, version, session });
      expect(answer).toEqual({ identity: GATEWAY, resumed: false });
      // A session of somebody with a certificate, taken up by somebody without.
      expect(await overHttp1({ version, session })).toEqual({ resumed: false });
    }
  });
});

it("who was refused is told, with OpenSSL's word for why", () => {
  expect(refused[0]).toBe("UNABLE_TO_VERIFY_LEAF_SIGNATURE");
});
