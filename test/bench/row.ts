// The words that rows.ts is written in: what a row is, which servers it compares, what load they get, and the
// figures that come of it.

/** How many keys are in the store. */
export type KeyCount = "few" | "some" | "many";

/** Fleetkey with its default settings, but for what is said here. */
export interface FleetkeySpec {
  readonly kind: "fleetkey";
  /** `main` is called with the api_key of a caller, `sidecar` without a credential. */
  readonly listener: "main" | "sidecar";
  readonly store: "sqlite" | "mongodb";
  readonly keys: KeyCount;
  /** How many keys it remembers; 0: none. */
  readonly cacheKeys?: number;
}

/** A program of peers/. */
export interface PeerSpec {
  readonly kind: "peer";
  readonly program: "bare-http2" | "bare-http1" | "grpc-js" | "connect-node" | "better-auth";
}

export type ServerSpec = FleetkeySpec | PeerSpec;

export type Wire = "grpc" | "json-http1" | "json-http2";
export type Call = "Verify" | "BatchVerify" | "Create" | "Refresh" | "VerifyStream";
/**
 * What the requests name: keys that are there, none that are, mistyped ones, or the key_ids of those there.
 */
export type Population = "stored" | "unknown" | "bad-checksum" | "key-ids";

export interface Load {
  readonly call: Call;
  readonly wire: Wire;
  readonly of: Population;
  /** The same one in every request, each in its turn, or by Zipf's law with s = 1. */
  readonly draw: "one" | "in-turn" | "zipf";
  readonly connections: number;
  /** Open at a time on each connection; for a stream of messages, the messages that are not answered yet. */
  readonly streams: number;
  /** How many figures one answer counts for. */
  readonly unitsEach?: number;
}

/** A server under a load. */
export interface Entry {
  readonly label: string;
  readonly server: ServerSpec;
  readonly load: Load;
  /** A second load at the same time, which is not what is measured. */
  readonly beside?: Load;
  /** Labels of entries of this row that it is compared with. */
  readonly against?: readonly string[];
}

interface RowBase {
  readonly name: string;
  readonly entries: readonly Entry[];
}

/** Answers in a second, as many as the server gives. */
export interface RateRow extends RowBase {
  readonly kind: "rate";
  readonly unit: string;
  /** How long the load goes on before the first round. */
  readonly warmUpS?: number;
  /** Whether the table tells the server's memory before and after. */
  readonly showsMemory?: boolean;
}

/** Times of answers at half the rate that the first entry gives at most. */
export interface LatencyRow extends RowBase {
  readonly kind: "latency";
  /** The row and entry whose median is that rate; measured anew when it was not run. */
  readonly peakOf: { readonly row: string; readonly label: string };
}

/** Memory that each remembered key takes. */
export interface MemoryRow extends RowBase {
  readonly kind: "memory";
  /** How many keys are remembered first; then three times as many. */
  readonly keys: number;
}

export type Row = RateRow | LatencyRow | MemoryRow;

/** One line of the table. */
export interface Line {
  readonly row: string;
  readonly label: string;
  readonly unit: string;
  /** One figure for each round; none: it was not measured. */
  readonly rounds: readonly number[];
  readonly ratios: readonly { readonly to: string; readonly ratio: number }[];
  /** h2load, or the generator of load/. */
  readonly generator?: string;
  /** Also why there are no figures. */
  readonly note?: string;
}

/** Thrown for what cannot be measured here; the reason stands in the table. */
export class NotMeasured extends Error {}

/** Thrown when an answer is not what the row says: the run has failed. */
export class WrongAnswer extends Error {}

export function median(figures: readonly number[]): number {
  const sorted = figures.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}
