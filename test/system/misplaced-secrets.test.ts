// An api_key in a wrong field of a request, in each field of each request of the contract, as JSON and as
// binary, with a credential and without: no log line, no error and no event holds it, nor does the store.
// Only the fields that are kept as they are given, by contract, keep it, and these are named here.
import { randomBytes } from "node:crypto";
import type { DescMethod, JsonObject } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, it } from "vitest";
import { EventService } from "../../gen/fleetkey/v1/event_service_pb.js";
import { KeyService } from "../../gen/fleetkey/v1/key_service_pb.js";
import { formatApiKey, keyPrefixes, newSecret } from "../../src/domain/api-key/key-format.ts";
import { randomLookup } from "../../src/domain/api-key/key-id.ts";
import { ROOT_KEY } from "../running-service.ts";
import { importRecord } from "../transport/access/world.ts";
import { envelope } from "../transport/wire/grpc.ts";
import { callHttp1 } from "../transport/wire/http1.ts";
import { openHttp2 } from "../transport/wire/http2.ts";
import { type ServiceRun, useProcesses } from "./process.ts";
import { binaryWith, nameOf, type Place, placesIn, requestWith } from "./secrets/misplaced.ts";
import { contentOf, secretOf, spelledOut, spellingsOf } from "./secrets/search.ts";
import { describeOnStores, type TestStore } from "./stores.ts";

const METHODS = [...KeyService.methods, ...EventService.methods];
const ROOT = { authorization: `Bearer ${ROOT_KEY}` };
const FORMATS = JSON.stringify([{ name: "legacy", type: "service", pattern: "lk-[0-9-]{3,60}" }]);

/**
 * What a caller says of a key, of its owner, and of why it calls, is kept as it is given: Fleetkey cannot
 * know that it was meant to be something else. (A ReportLeak keeps no source or url that holds what it
 * reports.)
 */
const KEPT = [
  ...[
    "user_id",
    "organization_id",
    "service_account_id",
    "name",
    "description",
    "metadata",
    "request_id",
  ].map((field) => `CreateRequest.${field}`),
  "RefreshRequest.request_id",
  ...["name", "description", "metadata"].map((field) => `UpdateRequest.key.${field}`),
  "RevokeRequest.reason",
  ...["user_id", "organization_id", "reason", "request_id"].map(
    (field) => `RevokeAllForUserRequest.${field}`,
  ),
  ...["organization_id", "reason", "request_id"].map((field) => `RevokeAllForOrganizationRequest.${field}`),
  ...["service_account_id", "reason", "request_id"].map(
    (field) => `RevokeAllForServiceAccountRequest.${field}`,
  ),
  "EraseUserRequest.request_id",
  ...["source", "url"].map((field) => `ReportLeakRequest.${field}`),
  ...["user_id", "organization_id", "service_account_id", "name", "description", "metadata"].map(
    (field) => `ImportRequest.records.${field}`,
  ),
  "ImportRequest.request_id",
  "VerifyRequest.user_agent",
  "BatchVerifyRequest.requests.user_agent",
  "VerifyStreamRequest.request.user_agent",
].toSorted();

/** A well-formed api_key of nobody. */
function newApiKey(): string {
  return formatApiKey(keyPrefixes("dev").user, randomLookup("user", randomBytes), newSecret(randomBytes));
}

interface Key {
  readonly keyId: string;
  readonly apiKey: string;
}

/** A request of each rpc that does what it is for, on a key of its own. */
function baseOf(method: DescMethod, { keyId, apiKey }: Key): JsonObject {
  const owner = { userId: "user-1", organizationId: "org-1", serviceAccountId: "account-1" };
  const fields = "name,description,metadata,scopes,roles,allowedCidrs";
  const bases: Readonly<Record<string, JsonObject>> = {
    Create: { type: "KEY_TYPE_SERVICE", ...owner },
    Import: { records: [importRecord(owner)] },
    Update: { key: { keyId }, updateMask: fields },
    Refresh: { keyId },
    Revoke: { keyId },
    RevokeAllForUser: { userId: "user-2", organizationId: "org-2" },
    RevokeAllForOrganization: { organizationId: "org-2" },
    RevokeAllForServiceAccount: { serviceAccountId: "account-2" },
    EraseUser: { userId: "user-3" },
    ReportLeak: { apiKey, source: "scanner" },
    Verify: { apiKey },
    BatchVerify: { requests: [{ apiKey }] },
    VerifyStream: { request: { apiKey } },
    Watch: {},
    Get: { keyId },
    List: {},
    ListEvents: {},
  };
  const base = bases[method.name];
  if (base === undefined) throw new Error(`say what a request of ${method.name} is`);
  return base;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

type Headers = Readonly<Record<string, string>>;

/** Sends a message of an rpc, in a stream where it is one, and gives all that came back. */
async function send(
  url: string,
  method: DescMethod,
  kind: "json" | "proto",
  body: Uint8Array,
  headers: Headers,
) {
  const path = `/${method.parent.typeName}/${method.name}`;
  if (method.methodKind === "unary") {
    const sent = { "content-type": `application/${kind}`, ...headers };
    const answer = await callHttp1(url, { path, headers: sent, body });
    return { status: answer.status, text: JSON.stringify(answer) };
  }
  const http2 = openHttp2(url);
  const sent = {
    ":method": "POST",
    ":path": path,
    "content-type": `application/connect+${kind}`,
    ...headers,
  };
  const answer = await http2.request(sent, envelope(body));
  http2.close();
  const isRefused = answer.body.includes('"error"');
  return { status: isRefused ? 400 : answer.status, text: JSON.stringify(answer) };
}

describeOnStores(
  "an api_key in a wrong field",
  (fresh) => {
    const processes = useProcesses(afterAll);
    /** The fields by the api_key that was put there, and each answer by field. */
    const apiKeys = new Map<string, string>();
    const answers: { readonly field: string; readonly answer: Answer }[] = [];
    let store: TestStore;
    let service: ServiceRun;
    let content = Buffer.alloc(0);
    let events = "";

    async function ask(rpc: string, body: JsonObject): Promise<string> {
      const headers = { ...ROOT, "content-type": "application/json" };
      const path = `/fleetkey.v1.${rpc}`;
      const answer = await callHttp1(service.url, { path, headers, body: JSON.stringify(body) });
      if (answer.status !== 200) throw new Error(`${rpc}: ${answer.body}`);
      return answer.body;
    }

    async function newKey(): Promise<Key> {
      const owner = { type: "KEY_TYPE_SERVICE", serviceAccountId: "account-1" };
      const { apiKey, key } = JSON.parse(await ask("KeyService/Create", owner));
      return { apiKey, keyId: key.keyId };
    }

    /** Puts an api_key of its own there, each time. */
    async function misplace(method: DescMethod, place: Place): Promise<void> {
      const field = `${method.input.name}.${nameOf(place)}`;
      const put = () => {
        const apiKey = newApiKey();
        apiKeys.set(apiKey, field);
        return apiKey;
      };
      const { url } = service;
      for (const headers of [ROOT, {}]) {
        const json = JSON.stringify(requestWith(baseOf(method, await newKey()), place, put()));
        answers.push({ field, answer: await send(url, method, "json", Buffer.from(json), headers) });
      }
      if (!place.isText) return;
      const bytes = binaryWith(method.input, baseOf(method, await newKey()), place, put());
      answers.push({ field, answer: await send(url, method, "proto", bytes, ROOT) });
    }

    beforeAll(async () => {
      store = fresh();
      const settings = { FLEETKEY_FOREIGN_FORMATS: FORMATS, FLEETKEY_LOG_LEVEL: "trace" };
      service = await processes.start({ ...store.settings, ...settings });
      for (const method of METHODS) {
        await Promise.all(placesIn(method.input).map((place) => misplace(method, place)));
      }
      let pageToken = "";
      do {
        const page = JSON.parse(await ask("EventService/ListEvents", { pageSize: 1_000, pageToken }));
        events += JSON.stringify(page);
        pageToken = page.nextPageToken ?? "";
      } while (pageToken !== "");
      const running = await contentOf(store);
      await processes.stop(service);
      content = Buffer.concat([running, await contentOf(store)]);
    });

    /** The fields whose api_key is in a text, or half of it. */
    const foundIn = (text: Buffer | string): readonly string[] => {
      const found = [...apiKeys].filter(([apiKey]) =>
        spellingsOf(secretOf(apiKey)).some((part) => text.includes(part)),
      );
      return [...new Set(found.map(([, field]) => field))].toSorted();
    };

    it("was put in every field of every request", () => {
      const fields = METHODS.flatMap(({ input }) =>
        placesIn(input).map((place) => `${input.name}.${nameOf(place)}`),
      );
      expect([...new Set(apiKeys.values())].toSorted()).toEqual(fields.toSorted());
      expect(answers.some(({ answer }) => answer.status === 200)).toBe(true);
    });

    it("is not logged", () => {
      const logged = service.run.output;
      expect(logged).toContain("fleetkey.v1.KeyService/Import");
      expect(foundIn(spelledOut(logged))).toEqual([]);
    });

    it("is in no error, and in no answer but of what is kept as it is given", () => {
      for (const { field, answer } of answers) {
        const found = foundIn(spelledOut(answer.text));
        expect(found, field).toEqual(answer.status === 200 && KEPT.includes(field) ? found : []);
      }
    });

    it("is in no event and not in the store, but for what is kept as it is given", () => {
      expect(foundIn(spelledOut(events)).filter((field) => !KEPT.includes(field))).toEqual([]);
      expect(foundIn(content)).toEqual(KEPT);
    });
  },
  afterAll,
);
