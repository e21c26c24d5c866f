// CheckRequests that were changed at random: no request is let through that does not hold a valid
// api_key to the letter, each one is answered or is no message, and nothing else is ever thrown.
import { fromBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { expect, it } from "vitest";
import {
  type CheckRequest,
  CheckRequestSchema,
} from "../../../gen/envoy/service/auth/v3/external_auth_pb.js";
import { sidecarCaller } from "../../../src/access/caller.ts";
import { revokeKey } from "../../../src/app/keys/revoke-key.ts";
import { answerCheck } from "../../../src/transport/ext-authz/authorization-service.ts";
import { proxyParts } from "../../../src/transport/proxy/proxy-parts.ts";
import { byId, revokeInput } from "../../app/requests.ts";
import { create, openWorld, ROOT } from "../../app/world.ts";
import { buildApiKey } from "../../domain/build.ts";
import { IS_LONG } from "../../system/long-run.ts";
import { type CheckInput, toldBy } from "./asked.ts";
import { changedRequests } from "./mutations.ts";

const RUNS = IS_LONG ? 100_000 : 2_000;
const POLICY = {
  trustedHops: 1,
  tellsReasons: false,
  stripsKey: true,
  requirementHeaders: new Set<string>(),
};

function decoded(bytes: Uint8Array): CheckRequest | undefined {
  try {
    return fromBinary(CheckRequestSchema, bytes, { readUnknownFields: false });
  } catch {
    return undefined;
  }
}

/** Whether this key, of a user and with the scope orders:read, is what is shown, and all that is required. */
function mayPass({ attributes }: CheckRequest, apiKey: string): boolean {
  const http = attributes?.request?.http;
  const raw = (http?.headerMap?.headers ?? []).map(({ key, value, rawValue }) => {
    return [key, rawValue.length > 0 ? Buffer.from(rawValue).toString("latin1") : value] as const;
  });
  const valuesOf = (wanted: string) =>
    [...Object.entries(http?.headers ?? {}), ...raw]
      .filter(([name]) => name.toLowerCase() === wanted)
      .map(([, value]) => value);
  const bearers = valuesOf("authorization").filter((value) => /^bearer( |$)/i.test(value));
  const shown = [
    ...bearers.map((value) => value.slice("bearer".length).trim()),
    ...valuesOf("x-api-key"),
    ...valuesOf("apikey"),
  ];
  const required = Object.entries(attributes?.contextExtensions ?? {}).filter(([name]) =>
    name.startsWith("fleetkey."),
  );
  const isMet = ([name, value]: readonly [string, string]) =>
    (name === "fleetkey.scopes" && /^[ ,]*(orders:read[ ,]*)+$/.test(value)) ||
    (name === "fleetkey.type" && /^[ ,]*(user[ ,]*)+$/.test(value));
  return shown.length > 0 && shown.every((value) => value === apiKey) && required.every(isMet);
}

it(`none of ${RUNS} changed CheckRequests is let through without a valid key`, async () => {
  const { ports } = await openWorld();
  const valid = await create(ports, { scopes: ["orders:read"] });
  const revoked = await create(ports);
  await revokeKey(ports, ROOT, revokeInput(byId(revoked.key.keyId)));
  const parts = proxyParts(ports, POLICY, () => {});
  const { apiKey } = valid;
  const rest = { "x-forwarded-for": "192.0.2.7", cookie: "a=b", ":path": "/orders?a=b", ":method": "GET" };
  const inputs: readonly CheckInput[] = [
    { headers: { authorization: `Bearer ${apiKey}`, ...rest }, source: "192.0.2.1" },
    { headers: { ...rest, "x-api-key": apiKey }, extensions: { "fleetkey.scopes": "orders:read" } },
    {
      rawHeaders: [
        ["apikey", apiKey],
        ["cookie", Uint8Array.of(255)],
      ],
      source: "192.0.2.1",
    },
    { headers: { ...rest, apikey: apiKey, authorization: "Bearer another" } },
    { headers: { ...rest, apikey: apiKey }, extensions: { "fleetkey.scopes": "orders:write" } },
    { headers: { ...rest, authorization: `Bearer ${revoked.apiKey}` } },
    { headers: { ...rest, authorization: `Bearer ${buildApiKey("user", 99)}` } },
    { rawHeaders: [["x-api-key", "no key"]] },
    { headers: rest },
    {},
  ];
  const counts = { allowed: 0, refused: 0, undecodable: 0 };
  await fc.assert(
    fc.asyncProperty(changedRequests(inputs), async (bytes) => {
      const request = decoded(bytes);
      if (request === undefined) {
        counts.undecodable += 1;
        return;
      }
      const { isAllowed, status, body } = toldBy(await answerCheck(parts, sidecarCaller(), request));
      if (isAllowed) {
        counts.allowed += 1;
        expect(mayPass(request, apiKey)).toBe(true);
      } else {
        counts.refused += 1;
        expect([401, 403, 429]).toContain(status);
        expect(body).toHaveProperty("reason");
      }
    }),
    { numRuns: RUNS },
  );
  // Changed too much, or too little, they would prove nothing.
  expect(Math.min(...Object.values(counts))).toBeGreaterThan(RUNS / 50);
});
