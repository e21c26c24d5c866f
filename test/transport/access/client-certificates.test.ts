// Callers by their client certificates, through the whole service: what the scopes of a name allow and what
// they do not, over both protocols; and that a credential in a header counts before a certificate does.
import { request as httpsRequest } from "node:https";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ROOT_KEY, type RunningService, runService } from "../../running-service.ts";
import {
  type CertificateAuthority,
  type ClientCertificate,
  certificateAuthority,
} from "../wire/certificate-authority.ts";
import { openHttp2 } from "../wire/http2.ts";
import { selfSigned } from "../wire/self-signed.ts";

const GATEWAY = "spiffe://cluster.local/ns/edge/sa/gateway";
const JSON_TYPE = { "content-type": "application/json" };

const server = selfSigned();
let authority: CertificateAuthority;
let service: RunningService;
let gateway: ClientCertificate;
let stranger: ClientCertificate;

beforeAll(async () => {
  authority = certificateAuthority();
  gateway = authority.issue([`URI.1 = ${GATEWAY}`]);
  stranger = authority.issue(["DNS.1 = stranger.internal"]);
  service = await runService({
    ...server.settings,
    FLEETKEY_TLS_CLIENT_CA: authority.path,
    FLEETKEY_TLS_CLIENT_SCOPES: `${GATEWAY}=fleetkey:verify fleetkey:create`,
  });
});
afterAll(async () => {
  await service.stop();
  server.remove();
  authority.remove();
});

interface Answer {
  readonly status: number;
  readonly body: string;
}
type Call = (
  rpc: string,
  message: unknown,
  certificate?: ClientCertificate,
  headers?: Readonly<Record<string, string>>,
) => Promise<Answer>;

const pathOf = (rpc: string) => `/fleetkey.v1.KeyService/${rpc}`;

const overHttp2: Call = async (rpc, message, certificate, headers = {}) => {
  const connection = openHttp2(service.url, { ca: server.pem, ...certificate });
  const head = { ":method": "POST", ":path": pathOf(rpc), ...JSON_TYPE, ...headers };
  const answer = await connection.request(head, JSON.stringify(message));
  connection.close();
  return answer;
};

const overHttp1: Call = (rpc, message, certificate, headers = {}) =>
  new Promise((resolve, reject) => {
    const options = { method: "POST", headers: { ...JSON_TYPE, ...headers }, ca: server.pem, ...certificate };
    const request = httpsRequest(`${service.url}${pathOf(rpc)}`, { ...options, agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (text: string) => {
        body += text;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
    });
    request.on("error", reject);
    request.end(JSON.stringify(message));
  });

const codeOf = ({ status, body }: Answer): string =>
  status === 200 ? "ok" : (JSON.parse(body) as { code: string }).code;

it.each([
  ["HTTP/1.1", overHttp1],
  ["HTTP/2", overHttp2],
] as const)("over %s a known name calls what its scopes allow, and is the caller", async (_, call) => {
  const created = await call("Create", { type: "KEY_TYPE_USER", userId: "user-1" }, gateway);
  const { apiKey, key } = JSON.parse(created.body) as { apiKey: string; key: { createdBy: string } };
  expect(key.createdBy).toBe(GATEWAY);
  expect(JSON.parse((await call("Verify", { apiKey }, gateway)).body)).toMatchObject({ valid: true });
  expect(codeOf(await call("List", {}, gateway))).toBe("permission_denied");
  // It may create, and still only what it holds itself.
  const more = { type: "KEY_TYPE_USER", userId: "user-1", scopes: ["orders:read"] };
  expect(codeOf(await call("Create", more, gateway))).toBe("permission_denied");
});

it.each([
  ["HTTP/1.1", overHttp1],
  ["HTTP/2", overHttp2],
] as const)("over %s an unknown name and no certificate are nobody", async (_, call) => {
  expect(codeOf(await call("Verify", { apiKey: "x" }, stranger))).toBe("unauthenticated");
  expect(codeOf(await call("Verify", { apiKey: "x" }))).toBe("unauthenticated");
});

it.each([
  ["HTTP/1.1", overHttp1],
  ["HTTP/2", overHttp2],
] as const)("over %s a credential that is shown counts instead of the certificate", async (_, call) => {
  const root = { authorization: `Bearer ${ROOT_KEY}` };
  expect(codeOf(await call("List", {}, gateway, root))).toBe("ok");
  expect(codeOf(await call("Verify", { apiKey: "x" }, gateway, { "x-api-key": "wrong" }))).toBe(
    "unauthenticated",
  );
});
