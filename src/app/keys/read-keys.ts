// Get and List: keys as they are now. States are derived at the time of the answer, never stored.
import { type Bounds, narrowed } from "../../access/bounds.ts";
import type { Caller } from "../../access/caller.ts";
import { keyNotFound } from "../../domain/errors.ts";
import { KEY_TYPES } from "../../domain/key-type.ts";
import { KEY_STATES, stateOf } from "../../domain/lifecycle.ts";
import type { LastUse } from "../../domain/usage.ts";
import type { KeyView } from "../../domain/verdict.ts";
import { formatPageToken } from "../../store/page-token.ts";
import type { KeyPosition } from "../../store/store.ts";
import { checkKeyId, checkOwner, NAME_BYTES_MAX, type OwnerInput, pageSizeOf } from "../input/key-fields.ts";
import { checkPageToken, listingName } from "../input/page-token-field.ts";
import { Violations } from "../input/violations.ts";
import type { AppPorts } from "../ports.ts";
import { lastUsesOf } from "../target/last-uses.ts";
import { readView, viewsOf } from "../target/read-view.ts";

/** How many keys one List looks at, when its filters let few through. The page is then short. */
const SCANNED_MAX = 4_000;
/** How many keys are read at a time to find those that a store cannot tell. */
const FILTERED_BATCH = 500;

/** As it comes from a transport: texts are empty when left out, times are NaN when they were not valid. */
export interface ListKeysInput extends OwnerInput {
  readonly type: string | undefined;
  readonly state: string | undefined;
  readonly name: string;
  readonly expireBefore?: number;
  readonly unusedSince?: number;
  readonly pageSize: number;
  readonly pageToken: string;
}

/** A key, and when it was last used, if it ever was. */
export interface ReadKey {
  readonly view: KeyView;
  readonly lastUse?: LastUse;
}

export interface KeyPage {
  readonly keys: readonly ReadKey[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

const NO_KEYS: KeyPage = { keys: [], nextPageToken: "" };

export async function getKey(ports: AppPorts, { bounds }: Caller, keyId: string): Promise<ReadKey> {
  const violations = new Violations();
  checkKeyId(violations, "key_id", keyId);
  violations.throwIfAny();
  const view = await readView(ports, bounds, keyId);
  if (view === undefined) throw keyNotFound();
  return { view, lastUse: (await lastUsesOf(ports, [keyId])).get(keyId) };
}

export async function listKeys(ports: AppPorts, { bounds }: Caller, input: ListKeysInput): Promise<KeyPage> {
  const { query, filter, listing, start } = checkList(ports, input, bounds);
  if (query.owner === undefined) return NO_KEYS;
  const pageSize = pageSizeOf(input.pageSize);
  const isFiltered = filter.state !== undefined || filter.unusedSince !== undefined;
  const limit = isFiltered ? Math.max(pageSize, FILTERED_BATCH) : pageSize;
  const page: ReadKey[] = [];
  let after = start;
  for (let scanned = 0; scanned < SCANNED_MAX; scanned += limit) {
    const keys = await ports.store.keys.list({ ...query, owner: query.owner, after, limit });
    for (const found of await filtered(ports, await viewsOf(ports, keys), filter)) {
      page.push(found);
      if (page.length === pageSize) {
        return { keys: page, nextPageToken: tokenAt(ports, listing, found.view.key) };
      }
    }
    after = keys.at(-1) ?? after;
    if (keys.length < limit) return { keys: page, nextPageToken: "" };
  }
  return { keys: page, nextPageToken: after === undefined ? "" : tokenAt(ports, listing, after) };
}

/** What is judged here, since a store does not know it of a key alone. */
type Filter = ReturnType<typeof checkList>["filter"];

async function filtered(
  ports: AppPorts,
  views: readonly KeyView[],
  { state, unusedSince }: Filter,
): Promise<readonly ReadKey[]> {
  const now = ports.clock();
  const candidates = views.filter(
    (view) =>
      (state === undefined || stateOf(view, now) === state) &&
      (unusedSince === undefined || view.key.createTime < unusedSince),
  );
  const keyIds = candidates.map(({ key }) => key.keyId);
  const lastUses = await lastUsesOf(ports, keyIds);
  return candidates
    .map((view) => ({ view, lastUse: lastUses.get(view.key.keyId) }))
    .filter(
      ({ lastUse }) => unusedSince === undefined || lastUse === undefined || lastUse.time < unusedSince,
    );
}

function tokenAt(ports: AppPorts, listing: string, { createTime, keyId }: KeyPosition): string {
  return formatPageToken(ports.peppers, listing, [createTime, keyId]);
}

function checkList(ports: AppPorts, input: ListKeysInput, bounds: Bounds) {
  const violations = new Violations();
  const type = violations.oneOf("type", input.type, KEY_TYPES);
  const state = violations.oneOf("state", input.state, KEY_STATES);
  const owner = narrowed(bounds, checkOwner(violations, input));
  const name = violations.text("name", input.name, { bytesMax: NAME_BYTES_MAX });
  const { expireBefore, unusedSince } = input;
  if (Number.isNaN(expireBefore)) violations.add("expire_before", "must be a time from year 1 to 9999");
  if (Number.isNaN(unusedSince)) violations.add("unused_since", "must be a time from year 1 to 9999");
  const listing = listingName("keys", { type, state, ...owner, name, expireBefore, unusedSince });
  const position = checkPageToken(violations, ports.peppers, listing, input.pageToken);
  violations.throwIfAny();
  const start: KeyPosition | undefined =
    position === undefined ? undefined : { createTime: Number(position[0]), keyId: String(position[1]) };
  const types = type === undefined ? KEY_TYPES : [type];
  return {
    query: { types, owner, name, expireBefore },
    filter: { state, unusedSince },
    listing,
    start,
  };
}
