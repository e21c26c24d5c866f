// Verdicts and refusals as CheckResponses: pure. Status is set in every one, since Envoy takes an absent
// one for leave to go on.
import { create, type JsonObject } from "@bufbuild/protobuf";
import {
  HeaderValueOption_HeaderAppendAction as HeaderAppendAction,
  type HeaderValueOption,
  HeaderValueOptionSchema,
} from "../../../gen/envoy/config/core/v3/base_pb.js";
import {
  type CheckResponse,
  CheckResponseSchema,
} from "../../../gen/envoy/service/auth/v3/external_auth_pb.js";
import type { KeyView, Verdict } from "../../domain/verdict.ts";
import { type Asked, removedNames } from "../proxy/demand.ts";
import { type Denial, denialOf } from "../proxy/denial.ts";
import type { HeaderPair, Identity } from "../proxy/identity.ts";
import { limitHeaders } from "../proxy/limit-headers.ts";
import type { ProxyParts } from "../proxy/proxy-parts.ts";

/** gRPC's numbers. */
const CODES = { 401: 16, 403: 7, 429: 8 } as const;
const OK = 0;

/** Answers that are the same from request to request, by `places`; gone with the identity. */
const ACCEPTED = new WeakMap<Identity, (CheckResponse | undefined)[]>();

/** The answer to what was asked. One object may answer many calls: it is only to be read. */
export function checkResponse(verdict: Verdict, asked: Asked, parts: ProxyParts): CheckResponse {
  const { identities, policy } = parts;
  if (!verdict.valid) return deniedResponse(denialOf(verdict, policy.tellsReasons), verdict.view);
  const identity = identities.of(verdict.view);
  const limits = limitHeaders(verdict);
  if (limits.length > 0 || asked.claimed.length > 0) {
    return acceptedResponse(identity, removedNames(identity, asked), limits);
  }
  let known = ACCEPTED.get(identity);
  if (known === undefined) {
    known = [];
    ACCEPTED.set(identity, known);
  }
  const { places } = asked;
  const response = known[places] ?? acceptedResponse(identity, removedNames(identity, asked), limits);
  known[places] = response;
  return response;
}

/** `view` is of a key whose right secret was shown. */
export function deniedResponse(denial: Denial, view?: KeyView): CheckResponse {
  const { status, reason, headers, body } = denial;
  const dynamicMetadata: JsonObject = { reason };
  if (view !== undefined) dynamicMetadata["key_id"] = view.key.keyId;
  return create(CheckResponseSchema, {
    status: { code: CODES[status], message: reason },
    httpResponse: {
      case: "deniedResponse",
      value: { status: { code: status }, headers: headers.map(overwriting), body },
    },
    dynamicMetadata,
  });
}

function acceptedResponse(
  { headers, fields }: Identity,
  removed: readonly string[],
  limits: readonly HeaderPair[],
): CheckResponse {
  return create(CheckResponseSchema, {
    status: { code: OK },
    httpResponse: {
      case: "okResponse",
      value: {
        headers: headers.map(overwriting),
        headersToRemove: [...removed],
        responseHeadersToAdd: limits.map(overwriting),
      },
    },
    dynamicMetadata: fields,
  });
}

// Said in both ways: older Envoys know the first one only, and newer ones would append without the second.
function overwriting([key, value]: HeaderPair): HeaderValueOption {
  return create(HeaderValueOptionSchema, {
    header: { key, value },
    append: false,
    appendAction: HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD,
  });
}
