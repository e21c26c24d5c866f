// What the bench tells its generator, and what that tells it: JSON over the standard input and output of a
// process of its own, which generator.ts is.

/** Bodies are `prefix`, a text of the file, `suffix`. */
export interface Task {
  readonly url: string;
  readonly wire: "grpc" | "json-http1" | "json-http2";
  /** A stream of messages on each connection, in place of calls. */
  readonly isStream: boolean;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly prefixHex: string;
  readonly suffixHex: string;
  /** Texts of one width, each followed by a line feed. */
  readonly texts?: { readonly file: string; readonly width: number };
  /** A file of little-endian uint32: which text comes when. Without it each comes in its turn. */
  readonly orderFile?: string;
  /** Where in that order to begin. */
  readonly start: number;
  /** How the data of a right answer begins, in hexadecimal digits; a dot stands for any digit. */
  readonly expects: string;
  readonly connections: number;
  readonly streams: number;
  /** Calls in a second on a fixed schedule; without it, each answer is followed by the next call. */
  readonly rate?: number;
  readonly warmUpMs: number;
  readonly durationMs: number;
  /** Ends after so many calls, whatever time they take. */
  readonly callsMax?: number;
}

/** What a task came to, of the time after its warm-up. */
export interface Outcome {
  readonly seconds: number;
  readonly answers: number;
  /** Of all, those of the warm-up too. */
  readonly wrong: number;
  /** The beginning of one of those. */
  readonly wrongExample?: string;
  /** How many calls were made, so that the next task can go on from there. */
  readonly calls: number;
  /** From the time at which a call was due. Only with a rate. */
  readonly latencyMs?: { readonly p50: number; readonly p99: number; readonly p999: number };
}

/** Tells whether bytes begin as `expects` says. */
export function matcher(expects: string): (bytes: Uint8Array, start: number, end: number) => boolean {
  const wanted = (expects.match(/../g) ?? [])
    .map((digits, offset) => ({ offset, byte: Number.parseInt(digits, 16) }))
    .filter(({ byte }) => !Number.isNaN(byte));
  const lengthMin = expects.length / 2;
  return (bytes, start, end) => {
    if (end - start < lengthMin) return false;
    for (const { offset, byte } of wanted) if (bytes[start + offset] !== byte) return false;
    return true;
  };
}
