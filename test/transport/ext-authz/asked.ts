// CheckRequests as Envoy sends them, and CheckResponses in the form that Envoy reads them: what a client, the
// service and Envoy's logs are told.
import { create, type JsonObject } from "@bufbuild/protobuf";
import { expect } from "vitest";
import {
  HeaderValueOption_HeaderAppendAction as HeaderAppendAction,
  type HeaderValueOption,
} from "../../../gen/envoy/config/core/v3/base_pb.js";
import {
  type CheckRequest,
  CheckRequestSchema,
  type CheckResponse,
} from "../../../gen/envoy/service/auth/v3/external_auth_pb.js";

export type Headers = Readonly<Record<string, string>>;

export interface CheckInput {
  readonly headers?: Headers;
  /** As with `encode_raw_headers`. */
  readonly rawHeaders?: readonly (readonly [string, string | Uint8Array])[];
  readonly extensions?: Headers;
  /** The peer's address, as Envoy sees it. */
  readonly source?: string;
}

export function checkRequest({ headers, rawHeaders, extensions, source }: CheckInput): CheckRequest {
  const raw = rawHeaders?.map(([key, value]) => ({ key, rawValue: Buffer.from(value as string) }));
  return create(CheckRequestSchema, {
    attributes: {
      source: source === undefined ? undefined : { address: addressOf(source) },
      request: { http: { headers, headerMap: raw && { headers: raw } } },
      contextExtensions: extensions,
    },
  });
}

function addressOf(address: string) {
  return { address: { case: "socketAddress" as const, value: { address } } };
}

/** What Envoy makes of an answer. */
export interface Told {
  readonly isAllowed: boolean;
  /** Of the answer to the client; 200 when there is none. */
  readonly status: number;
  /** For the client. */
  readonly headers: Headers;
  readonly body: JsonObject | undefined;
  /** For the service. */
  readonly set: Headers;
  readonly removed: readonly string[];
  readonly metadata: JsonObject | undefined;
}

/** Asserts what has to hold for every answer on the way. */
export function toldBy(response: CheckResponse): Told {
  const { status, httpResponse, dynamicMetadata: metadata } = response;
  if (status === undefined) throw new Error("an answer without a status lets every request through");
  const told = { metadata, set: {}, removed: [] };
  switch (httpResponse.case) {
    case "okResponse": {
      const { headers, headersToRemove: removed, responseHeadersToAdd } = httpResponse.value;
      expect(status.code).toBe(0);
      const added = overwritten(responseHeadersToAdd);
      return {
        ...told,
        isAllowed: true,
        status: 200,
        headers: added,
        body: undefined,
        set: overwritten(headers),
        removed,
      };
    }
    case "deniedResponse": {
      const { headers, body, status: http } = httpResponse.value;
      expect(status.code).toBeGreaterThan(0);
      return {
        ...told,
        isAllowed: false,
        status: http?.code ?? 0,
        headers: overwritten(headers),
        body: JSON.parse(body),
      };
    }
    default:
      throw new Error("an answer says neither what is sent to the client nor what to the service");
  }
}

// Envoys of all ages have to replace, never to append.
function overwritten(options: readonly HeaderValueOption[]): Headers {
  for (const { append, appendAction } of options) {
    expect(append).toBe(false);
    expect(appendAction).toBe(HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD);
  }
  const pairs = options.map(({ header }) => [header?.key ?? "", header?.value ?? ""] as const);
  for (const [, value] of pairs) expect(value).toMatch(/^[\x20-\x7e]+$/);
  return Object.fromEntries(pairs);
}
