// What each column of the matrix asks of a key, and what an answer without an error is told as: done or, when
// there is nothing in it, nothing.
import type { JsonObject } from "@bufbuild/protobuf";
import { valueAt } from "../cases/case.ts";
import type { Outcome } from "../clients/client.ts";
import type { ColumnName, Sign } from "./matrix.ts";
import type { MatrixRpc } from "./matrix-client.ts";
import { importRecord, type Resource } from "./world.ts";

export interface Column {
  readonly rpc: MatrixRpc;
  ask(resource: Resource): JsonObject;
  /** Where an answer that is not empty holds something. */
  readonly holds: string;
  /** Whether what was asked about is another one after an answer that is not empty. */
  readonly changes: boolean;
}

const TYPE = "KEY_TYPE_SERVICE";
const byOwner = ({ owner }: Resource) => ({ owner: { type: TYPE, ...owner } });
const byApiKey = ({ apiKey }: Resource) => ({ apiKey });
const byKeyId = ({ keyId }: Resource) => ({ keyId });

export const COLUMNS: Readonly<Record<ColumnName, Column>> = {
  Create: { rpc: "Create", ask: ({ owner }) => ({ type: TYPE, ...owner }), holds: "apiKey", changes: true },
  Import: {
    rpc: "Import",
    ask: ({ owner }) => ({ records: [importRecord(owner)] }),
    holds: "keyId",
    changes: true,
  },
  Update: {
    rpc: "Update",
    ask: ({ keyId }) => ({ key: { keyId, name: "renamed" }, updateMask: "name" }),
    holds: "key.name",
    changes: true,
  },
  EraseUser: {
    rpc: "EraseUser",
    ask: ({ principals: { userId } }) => ({ userId }),
    holds: "keyCount",
    changes: true,
  },
  Refresh: { rpc: "Refresh", ask: byKeyId, holds: "apiKey", changes: true },
  "Refresh by owner": { rpc: "Refresh", ask: byOwner, holds: "apiKey", changes: true },
  "Refresh by api_key": { rpc: "Refresh", ask: byApiKey, holds: "apiKey", changes: true },
  Revoke: { rpc: "Revoke", ask: byKeyId, holds: "key.revokeTime", changes: true },
  "Revoke by owner": { rpc: "Revoke", ask: byOwner, holds: "key.revokeTime", changes: true },
  "Revoke by api_key": { rpc: "Revoke", ask: byApiKey, holds: "key.revokeTime", changes: true },
  RevokeAllForUser: {
    rpc: "RevokeAllForUser",
    ask: ({ principals: { userId, organizationId } }) => ({ userId, organizationId }),
    holds: "revokedCount",
    changes: true,
  },
  RevokeAllForOrganization: {
    rpc: "RevokeAllForOrganization",
    ask: ({ principals: { organizationId } }) => ({ organizationId }),
    holds: "revokedCount",
    changes: true,
  },
  RevokeAllForServiceAccount: {
    rpc: "RevokeAllForServiceAccount",
    ask: ({ owner: { serviceAccountId } }) => ({ serviceAccountId }),
    holds: "revokedCount",
    changes: true,
  },
  ReportLeak: {
    rpc: "ReportLeak",
    ask: ({ apiKey }) => ({ apiKey, source: "scanner" }),
    holds: "keyId",
    changes: true,
  },
  Verify: { rpc: "Verify", ask: byApiKey, holds: "key.keyId", changes: false },
  BatchVerify: {
    rpc: "BatchVerify",
    ask: ({ apiKey }) => ({ requests: [{ apiKey }] }),
    holds: "responses.0.verify.key.keyId",
    changes: false,
  },
  VerifyStream: {
    rpc: "VerifyStream",
    ask: ({ apiKey }) => ({ request: { apiKey } }),
    holds: "verify.key.keyId",
    changes: false,
  },
  Get: { rpc: "Get", ask: byKeyId, holds: "key.keyId", changes: false },
  List: {
    rpc: "List",
    ask: ({ owner: { userId, organizationId } }) => ({ type: TYPE, userId, organizationId }),
    holds: "keys.0",
    changes: false,
  },
  ListEvents: { rpc: "ListEvents", ask: byKeyId, holds: "events.0", changes: false },
  Watch: { rpc: "Watch", ask: () => ({}), holds: "cursor", changes: false },
};

const SIGN_BY_CODE: Readonly<Record<string, Sign>> = {
  not_found: "?",
  permission_denied: "!",
  unauthenticated: "#",
};

/** The sign of an outcome; one that has none is told in words, and so fails the table. */
export function signOf({ holds }: Column, { code, message, response }: Outcome): string {
  if (code !== "ok") return SIGN_BY_CODE[code] ?? `(${code}: ${message})`;
  return valueAt(response, holds) === undefined ? "0" : "+";
}
