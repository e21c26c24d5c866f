// What a change made different in a key, field by field, as the audit record keeps it. Only what callers can
// see of a key is compared: digests of secrets and the program's own marks never get here.
import { isDeepStrictEqual } from "node:util";
import { type KeyRecord, newestGeneration } from "../key.ts";

/** A field as the proto names it, and its values as JSON text; one that had or has none is left out. */
export interface FieldChange {
  readonly field: string;
  readonly before?: string;
  readonly after?: string;
}

/** How each field is read off a record, as a JSON value; undefined when it has none. */
const FIELDS: Readonly<Record<string, (key: KeyRecord) => unknown>> = {
  name: ({ name }) => name || undefined,
  description: ({ description }) => description || undefined,
  metadata: ({ metadata }) => (metadata === undefined ? undefined : JSON.parse(metadata)),
  scopes: ({ scopes }) => listed(scopes),
  roles: ({ roles }) => listed(roles),
  provider: ({ provider }) => provider,
  expire_time: ({ expireTime }) => timeText(expireTime),
  disabled: ({ disablement }) => (disablement === undefined ? undefined : true),
  revoke_time: ({ revocation }) => timeText(revocation?.time),
  revoke_reason: ({ revocation }) => revocation?.reason || undefined,
  generation: (key) => newestGeneration(key).number,
  previous_expire_time: ({ generations }) => timeText(generations[1]?.endTime),
  allowed_cidrs: ({ allowedCidrs }) => listed(allowedCidrs),
  rate_limit: ({ rateLimit }) =>
    rateLimit && { limit: rateLimit.limit, window: `${rateLimit.windowMs / 1_000}s` },
  quota: ({ quota }) => quota && { limit: quota.limit, period: `QUOTA_PERIOD_${quota.period.toUpperCase()}` },
  exclusive: ({ slot }) => (slot === undefined ? undefined : true),
};

/** Without `before` the key is new, and every field that it has is a change. */
export function fieldChanges(before: KeyRecord | undefined, after: KeyRecord): readonly FieldChange[] {
  return Object.entries(FIELDS).flatMap(([field, read]) => {
    const [from, to] = [before && read(before), read(after)];
    if (isDeepStrictEqual(from, to)) return [];
    return [{ field, ...textOf("before", from), ...textOf("after", to) }];
  });
}

function textOf(name: "before" | "after", value: unknown): Partial<FieldChange> {
  return value === undefined ? {} : { [name]: JSON.stringify(value) };
}

function listed(values: readonly string[]): readonly string[] | undefined {
  return values.length === 0 ? undefined : values;
}

function timeText(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString();
}
