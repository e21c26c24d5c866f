// KeyService over the use cases. Handlers only map.
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import type { BatchVerifyResultSchema, KeyService } from "../../../../gen/fleetkey/v1/key_service_pb.js";
import { createKey } from "../../../app/keys/create-key.ts";
import { getKey, listKeys } from "../../../app/keys/read-keys.ts";
import { refreshKey } from "../../../app/keys/refresh-key.ts";
import { revokeKey } from "../../../app/keys/revoke-key.ts";
import type { AppPorts } from "../../../app/ports.ts";
import {
  revokeAllForOrganization,
  revokeAllForServiceAccount,
  revokeAllForUser,
} from "../../../app/principals/revoke-principal.ts";
import { verifyKey, verifyKeys } from "../../../app/verify/verify-key.ts";
import { callerOf } from "../call-context.ts";
import { asConnectError, toStatus } from "../errors.ts";
import {
  durationMs,
  keyMessage,
  keyStateWord,
  keyTypeWord,
  targetInput,
  timeMs,
  verifyInput,
  verifyResponse,
} from "./mapping.ts";

/** `report` is told of bugs that end one request of a batch; those that end a call are reported around it. */
export function keyService(ports: AppPorts, report: (bug: unknown) => void): ServiceImpl<typeof KeyService> {
  return {
    async create(request, context) {
      const { expireTime, ttl, ...fields } = request;
      const result = await createKey(ports, callerOf(context.values), {
        ...fields,
        type: keyTypeWord(request.type),
        expireTime: timeMs(expireTime),
        ttlMs: durationMs(ttl),
      });
      return {
        apiKey: result.isReplayed ? "" : result.apiKey,
        key: keyMessage(result.view, ports.clock()),
        replayed: result.isReplayed,
      };
    },

    async refresh({ target, grace, etag, requestId }, context) {
      const graceMs = durationMs(grace) ?? 0;
      const input = { target: targetInput(target), graceMs, etag, requestId };
      const { apiKey, view } = await refreshKey(ports, callerOf(context.values), input);
      return { apiKey, key: keyMessage(view, ports.clock()) };
    },

    async revoke({ target, reason }, context) {
      const view = await revokeKey(ports, callerOf(context.values), { target: targetInput(target), reason });
      return { key: keyMessage(view, ports.clock()) };
    },

    async revokeAllForUser(request, context) {
      return { revokedCount: await revokeAllForUser(ports, callerOf(context.values), request) };
    },

    async revokeAllForOrganization(request, context) {
      return { revokedCount: await revokeAllForOrganization(ports, callerOf(context.values), request) };
    },

    async revokeAllForServiceAccount(request, context) {
      return { revokedCount: await revokeAllForServiceAccount(ports, callerOf(context.values), request) };
    },

    async verify(request) {
      return verifyResponse(await verifyKey(ports, verifyInput(request)), ports.clock());
    },

    async batchVerify({ requests }) {
      const outcomes = await verifyKeys(ports, requests.map(verifyInput));
      const now = ports.clock();
      const results = outcomes.map((outcome): MessageInitShape<typeof BatchVerifyResultSchema>["result"] =>
        "verdict" in outcome
          ? { case: "verify", value: verifyResponse(outcome.verdict, now) }
          : { case: "error", value: toStatus(asConnectError(outcome.failure, report)) },
      );
      return { responses: results.map((result) => ({ result })) };
    },

    async get({ keyId }) {
      return { key: keyMessage(await getKey(ports, keyId), ports.clock()) };
    },

    async list(request) {
      const input = { ...request, type: keyTypeWord(request.type), state: keyStateWord(request.state) };
      const { views, nextPageToken } = await listKeys(ports, input);
      const now = ports.clock();
      return { keys: views.map((view) => keyMessage(view, now)), nextPageToken };
    },
  };
}
