// KeyService over the use cases. Handlers only map.
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import type { ImportResultSchema, KeyService } from "../../../../gen/fleetkey/v1/key_service_pb.js";
import { createKey } from "../../../app/keys/create-key.ts";
import { type ImportOutcome, importBatch } from "../../../app/keys/import-keys.ts";
import { getKey, listKeys } from "../../../app/keys/read-keys.ts";
import { refreshKey } from "../../../app/keys/refresh-key.ts";
import { revokeKey } from "../../../app/keys/revoke-key.ts";
import { updateKey } from "../../../app/keys/update-key.ts";
import { reportLeak } from "../../../app/leaks/report-leak.ts";
import type { AppPorts } from "../../../app/ports.ts";
import { eraseUser } from "../../../app/principals/erase-user.ts";
import {
  revokeAllForOrganization,
  revokeAllForServiceAccount,
  revokeAllForUser,
} from "../../../app/principals/revoke-principal.ts";
import { verifyKey, verifyKeys } from "../../../app/verify/verify-key.ts";
import { callerNow, callerOf } from "../call-context.ts";
import { toConnectError, toStatus } from "../errors.ts";
import { keyMessage, verifyResponse, verifyResult } from "./key-message.ts";
import { keyStreams, type StreamOptions } from "./key-streams.ts";
import { createInput, importInput, listInput, targetInput, updateInput, verifyInput } from "./requests.ts";
import { durationMs, IMPORT_OUTCOME_WORDS } from "./words.ts";

/** `report` is told of bugs that end one request of a batch; those that end a call are reported around it. */
export function keyService(
  ports: AppPorts,
  streams: StreamOptions,
  report: (bug: unknown) => void,
): ServiceImpl<typeof KeyService> {
  return { ...changes(ports), ...reads(ports, report), ...keyStreams(ports, streams, report) };
}

type Changes = "create" | "refresh" | "update" | "revoke" | "reportLeak" | "import" | RevokeAll;
type RevokeAll = "revokeAllForUser" | "revokeAllForOrganization" | "revokeAllForServiceAccount" | "eraseUser";

function changes(ports: AppPorts): Pick<ServiceImpl<typeof KeyService>, Changes> {
  return {
    async create(request, context) {
      const result = await createKey(ports, callerOf(context.values), createInput(request));
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

    async update(request, context) {
      const view = await updateKey(ports, callerOf(context.values), updateInput(request));
      return { key: keyMessage(view, ports.clock()) };
    },

    async revoke({ target, reason }, context) {
      const view = await revokeKey(ports, callerOf(context.values), { target: targetInput(target), reason });
      return { key: keyMessage(view, ports.clock()) };
    },

    async reportLeak(request, context) {
      return reportLeak(ports, callerOf(context.values), request);
    },

    async *import(requests, context) {
      for await (const { records, dryRun: isDryRun, requestId } of requests) {
        const batch = { records: records.map(importInput), isDryRun, requestId };
        const outcomes = await importBatch(ports, await callerNow(context.values), batch);
        yield { results: outcomes.map(importResult) };
      }
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

    async eraseUser(request, context) {
      return eraseUser(ports, callerOf(context.values), request);
    },
  };
}

type Reads = "verify" | "batchVerify" | "get" | "list";

function reads(ports: AppPorts, report: (bug: unknown) => void): Pick<ServiceImpl<typeof KeyService>, Reads> {
  return {
    async verify(request, context) {
      const verdict = await verifyKey(ports, callerOf(context.values), verifyInput(request));
      return verifyResponse(verdict, ports.clock());
    },

    async batchVerify({ requests }, context) {
      const outcomes = await verifyKeys(ports, callerOf(context.values), requests.map(verifyInput));
      const now = ports.clock();
      return { responses: outcomes.map((outcome) => ({ result: verifyResult(outcome, now, report) })) };
    },

    async get({ keyId }, context) {
      const { view, lastUse } = await getKey(ports, callerOf(context.values), keyId);
      return { key: keyMessage(view, ports.clock(), lastUse) };
    },

    async list(request, context) {
      const { keys, nextPageToken } = await listKeys(ports, callerOf(context.values), listInput(request));
      const now = ports.clock();
      return { keys: keys.map(({ view, lastUse }) => keyMessage(view, now, lastUse)), nextPageToken };
    },
  };
}

function importResult(outcome: ImportOutcome): MessageInitShape<typeof ImportResultSchema> {
  const word = IMPORT_OUTCOME_WORDS.valueOf(outcome.kind);
  return outcome.kind === "refused"
    ? { outcome: word, error: toStatus(toConnectError(outcome.error)) }
    : { outcome: word, keyId: outcome.keyId };
}
