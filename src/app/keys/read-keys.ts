// Get and List: keys as they are now. States are derived at the time of the answer, never stored.
import { keyNotFound } from "../../domain/errors.ts";
import { KEY_TYPES } from "../../domain/key-type.ts";
import { KEY_STATES, stateOf } from "../../domain/lifecycle.ts";
import type { KeyView } from "../../domain/verdict.ts";
import { formatPageToken } from "../../store/page-token.ts";
import type { KeyPosition } from "../../store/store.ts";
import { checkKeyId, checkOwner, type OwnerInput, pageSizeOf } from "../input/key-fields.ts";
import { checkPageToken, listingName } from "../input/page-token-field.ts";
import { Violations } from "../input/violations.ts";
import type { AppPorts } from "../ports.ts";
import { readView, viewsOf } from "../target/read-view.ts";

/** How many keys one List looks at, when its state filter lets few through. The page is then short. */
const SCANNED_MAX = 4_000;
/** How many keys are read at a time to find those in a state. */
const FILTERED_BATCH = 500;

/** As it comes from a transport: texts are empty when left out. */
export interface ListKeysInput extends OwnerInput {
  readonly type: string | undefined;
  readonly state: string | undefined;
  readonly pageSize: number;
  readonly pageToken: string;
}

export interface KeyPage {
  readonly views: readonly KeyView[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

export async function getKey(ports: AppPorts, keyId: string): Promise<KeyView> {
  const violations = new Violations();
  checkKeyId(violations, "key_id", keyId);
  violations.throwIfAny();
  const view = await readView(ports, keyId);
  if (view === undefined) throw keyNotFound();
  return view;
}

export async function listKeys(ports: AppPorts, input: ListKeysInput): Promise<KeyPage> {
  const { types, owner, state, name, start } = checkList(ports, input);
  const pageSize = pageSizeOf(input.pageSize);
  const limit = state === undefined ? pageSize : Math.max(pageSize, FILTERED_BATCH);
  const page: KeyView[] = [];
  let after = start;
  for (let scanned = 0; scanned < SCANNED_MAX; scanned += limit) {
    const keys = await ports.store.keys.list({ types, owner, after, limit });
    for (const view of await viewsOf(ports, keys)) {
      after = view.key;
      if (state !== undefined && stateOf(view, ports.clock()) !== state) continue;
      page.push(view);
      if (page.length === pageSize) return { views: page, nextPageToken: tokenAt(ports, name, after) };
    }
    if (keys.length < limit) return { views: page, nextPageToken: "" };
  }
  return { views: page, nextPageToken: after === undefined ? "" : tokenAt(ports, name, after) };
}

function tokenAt(ports: AppPorts, name: string, { createTime, keyId }: KeyPosition): string {
  return formatPageToken(ports.peppers, name, [createTime, keyId]);
}

function checkList(ports: AppPorts, input: ListKeysInput) {
  const violations = new Violations();
  const type = violations.oneOf("type", input.type, KEY_TYPES);
  const state = violations.oneOf("state", input.state, KEY_STATES);
  const owner = checkOwner(violations, input);
  const name = listingName("keys", { type, state, ...owner });
  const position = checkPageToken(violations, ports.peppers, name, input.pageToken);
  violations.throwIfAny();
  const start: KeyPosition | undefined =
    position === undefined ? undefined : { createTime: Number(position[0]), keyId: String(position[1]) };
  return { types: type === undefined ? KEY_TYPES : [type], state, owner, name, start };
}
