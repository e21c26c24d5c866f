// Calls a service under test as its users do: JSON over HTTP/1.1, with generated types. And the two questions
// that tests ask most: what Verify says of an api_key, and all that a listing holds.
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import type { Event } from "../../gen/fleetkey/v1/event_pb.js";
import { EventService } from "../../gen/fleetkey/v1/event_service_pb.js";
import { DenialReason, type Key, KeyType } from "../../gen/fleetkey/v1/key_pb.js";
import { KeyService } from "../../gen/fleetkey/v1/key_service_pb.js";
import { ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.js";
import { ROOT_KEY } from "../running-service.ts";

const PAGE_SIZE = 1_000;

export type Client = ReturnType<typeof clientOf>;

/** Calls with a credential; ROOT_KEY unless another one is given. */
export function clientOf(url: string, credential = ROOT_KEY) {
  const transport = createConnectTransport({
    baseUrl: url,
    httpVersion: "1.1",
    useBinaryFormat: false,
    interceptors: [
      (next) => (request) => {
        request.header.set("authorization", `Bearer ${credential}`);
        return next(request);
      },
    ],
  });
  return { keys: createClient(KeyService, transport), events: createClient(EventService, transport) };
}

/** Creates a user's key. */
export function createUserKey(client: Client, userId: string) {
  return client.keys.create({ type: KeyType.USER, userId });
}

/** "VALID", or the reason of the refusal. */
export async function verdictOn(client: Client, apiKey: string): Promise<string> {
  const { valid, denialReason } = await client.keys.verify({ apiKey });
  return valid ? "VALID" : (DenialReason[denialReason] ?? String(denialReason));
}

/** The code, reason and retry delay of a call that must fail. */
export async function failureOf(call: Promise<unknown>) {
  const error = await call.then(
    () => {
      throw new Error("the call succeeded");
    },
    (thrown: unknown) => ConnectError.from(thrown),
  );
  const [info] = error.findDetails(ErrorInfoSchema);
  const [retry] = error.findDetails(RetryInfoSchema);
  return { code: Code[error.code], reason: info?.reason, retryDelay: retry?.retryDelay };
}

/** All events there are, in their order. */
export async function allEvents(client: Client): Promise<readonly Event[]> {
  return allPages(async (pageToken) => {
    const page = await client.events.listEvents({ pageSize: PAGE_SIZE, pageToken });
    return { items: page.events, nextPageToken: page.nextPageToken };
  });
}

/** All keys there are, in their order. */
export async function allKeys(client: Client): Promise<readonly Key[]> {
  return allPages(async (pageToken) => {
    const page = await client.keys.list({ pageSize: PAGE_SIZE, pageToken });
    return { items: page.keys, nextPageToken: page.nextPageToken };
  });
}

async function allPages<Item>(
  read: (pageToken: string) => Promise<{ readonly items: readonly Item[]; readonly nextPageToken: string }>,
): Promise<readonly Item[]> {
  const all: Item[] = [];
  let pageToken = "";
  do {
    const { items, nextPageToken } = await read(pageToken);
    all.push(...items);
    pageToken = nextPageToken;
  } while (pageToken !== "");
  return all;
}
