// Covers a walk through very many keys while others write: in the long run it is the hundred thousand that
// the contract names.

import { expect, it } from "vitest";
import { listKeys } from "../../../src/app/keys/read-keys.ts";
import { importEvent } from "../../../src/domain/audit/event.ts";
import type { KeyRecord } from "../../../src/domain/key.ts";
import { KEY_TYPES } from "../../../src/domain/key-type.ts";
import { START, seededBytes } from "../../domain/build.ts";
import { countOf, keyAt, revocationOf } from "../../store/build.ts";
import { onEachStore } from "../backends.ts";
import { listInput } from "../requests.ts";
import type { World } from "../world.ts";
import { ROOT } from "../world.ts";

const KEYS = countOf(3_000, 100_000);
const BATCH = 1_000;
const PAGE = countOf(250, 1_000);
/** So many keys have the same time. */
const PER_MS = 7;

const eventIdBytes = seededBytes(99);

/** Writes keys of all types; `seed` is that of the first one, and `timeOf` spreads them. */
async function insert(
  { store }: World,
  seed: number,
  count: number,
  timeOf: (index: number) => number,
): Promise<readonly KeyRecord[]> {
  const inserted: KeyRecord[] = [];
  for (let start = 0; start < count; start += BATCH) {
    const keys = Array.from({ length: Math.min(BATCH, count - start) }, (_, offset) => {
      const index = start + offset;
      const type = KEY_TYPES[index % KEY_TYPES.length] ?? "user";
      return keyAt(seed + index, { type, owner: {}, epochs: [], createTime: timeOf(index) });
    });
    const at = { now: START, randomBytes: eventIdBytes };
    const written = await store.keys.insertBatch(keys, importEvent(keys.length, { caller: "root" }, at));
    expect(written).toEqual(keys.map(() => true));
    inserted.push(...keys);
  }
  return inserted;
}

onEachStore(`List of ${KEYS.toLocaleString("en")} keys`, (open) => {
  it("pages without gaps or repeats while others are inserted and revoked", async () => {
    const world = await open();
    const spread = (index: number) => START + Math.floor(index / PER_MS);
    const keys = await insert(world, 1, KEYS, spread);
    const walked: string[] = [];
    let pageToken = "";
    let pages = 0;
    do {
      const page = await listKeys(world.ports, ROOT, listInput({ pageSize: PAGE, pageToken }));
      walked.push(...page.keys.map(({ view }) => view.key.keyId));
      pageToken = page.nextPageToken;
      pages += 1;
      // Before, at and behind the place where the walk is, and a few of those that it has still to come to.
      const first = 1_000_000 + pages * 100;
      await insert(world, first, 20, (index) => spread((pages * PAGE + index * 997) % (KEYS + PAGE)));
      for (const key of keys.filter((_, index) => index % Math.ceil(KEYS / 5) === pages)) {
        const { next, event } = revocationOf(key);
        expect(await world.store.keys.update(next, event)).toBe("written");
      }
    } while (pageToken !== "");
    expect(pages).toBeGreaterThanOrEqual(KEYS / PAGE);
    expect(new Set(walked).size).toBe(walked.length);
    const before = new Set(keys.map(({ keyId }) => keyId));
    expect(walked.filter((keyId) => before.has(keyId)).length).toBe(KEYS);
  });
});
