// How documents are read. On a replica set or behind mongos a primary can be deposed without knowing it: only
// a linearizable read of one document is sure not to come from such a one, and only a majority read is sure
// not to show what a failover takes back. A standalone server needs neither and has neither.
import type { Db, FindOptions } from "mongodb";

/** How long the server may take for a linearizable read; without a majority it would wait forever. */
const LINEARIZABLE_TIME_MS_MAX = 2_000;

export interface ReadOptions {
  /** For one document, by `_id` or another unique field: no answered write is missed. */
  readonly exact: FindOptions;
  /** For any documents: nothing that can still be taken back. May miss the last writes. */
  readonly committed: FindOptions;
}

const REPLICATED: ReadOptions = {
  exact: { readConcern: "linearizable", maxTimeMS: LINEARIZABLE_TIME_MS_MAX },
  committed: { readConcern: "majority" },
};
const STANDALONE: ReadOptions = { exact: {}, committed: {} };

/** What this deployment needs. */
export async function chooseReadOptions(db: Db): Promise<ReadOptions> {
  const { setName, msg } = await db.admin().command({ hello: 1 });
  return setName !== undefined || msg === "isdbgrid" ? REPLICATED : STANDALONE;
}
