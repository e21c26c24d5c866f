// The log: JSON lines on standard error. What people read at start goes to standard output instead.
import { type DestinationStream, type Logger, pino } from "pino";

/** Only objects and messages written in this program go in; never a request, a header or an api_key. */
export type Log = Pick<Logger, "debug" | "info" | "warn" | "error" | "isLevelEnabled">;

const STANDARD_ERROR = 2;

export function createLog(
  level: string,
  destination: DestinationStream = pino.destination(STANDARD_ERROR),
): Log {
  const options = {
    level,
    base: undefined,
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: errorFields },
  };
  return pino(options, destination);
}

// Named fields only: a driver's error carries what was written, and with it digests, in properties of its
// own.
function errorFields(error: unknown): unknown {
  if (!(error instanceof Error)) return { type: typeof error };
  const { name: type, message, stack } = error;
  return { type, message, code: (error as { code?: unknown }).code, stack };
}
