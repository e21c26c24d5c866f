// What travels with a call beside its message: the peer's address, and who calls once the gate has let the
// call in.
import { type ContextValues, createContextKey } from "@connectrpc/connect";
import type { Caller } from "../../access/caller.ts";
import type { Presented } from "../../app/callers/authenticate-caller.ts";

/** Set where the request comes in; empty when unknown (a Unix socket). */
export const PEER_ADDRESS = createContextKey<string>("", { description: "peer address" });

/** Set where the request comes in: the known name in a client certificate, if that counts now. */
export const CERTIFICATE = createContextKey<() => Presented["certificate"]>(() => undefined, {
  description: "client certificate",
});

/** Set by the gate. Nothing may be done for a call without it. */
export const CALLER = createContextKey<Caller | undefined>(undefined, { description: "caller" });

/** Set by the gate: lets the call in once more, or refuses it. */
export const CALLER_AGAIN = createContextKey<(() => Promise<Caller>) | undefined>(undefined, {
  description: "caller, asked again",
});

/** When the gate was last asked to let the call in and did, as performance.now() tells it. */
export const ADMITTED_AT = createContextKey<number>(Number.NEGATIVE_INFINITY, { description: "admitted at" });

/** Set where the request comes in: ends what it came by, for a client that is sent more than it takes. */
export const CUT_OFF = createContextKey<() => void>(() => {}, { description: "cut off" });

/** Who calls, as of now: for calls that last, since a caller's key can end meanwhile. */
export async function callerNow(values: ContextValues): Promise<Caller> {
  const again = values.get(CALLER_AGAIN);
  if (again === undefined) throw new Error("a call that lasts got past the gate without a way to ask again");
  return again();
}

/** Who calls, asked again when the last word on it is older than that. */
export async function callerWithin(values: ContextValues, msMax: number): Promise<Caller> {
  const askedAt = performance.now();
  if (askedAt - values.get(ADMITTED_AT) < msMax) return callerOf(values);
  const caller = await callerNow(values);
  values.set(CALLER, caller).set(ADMITTED_AT, askedAt);
  return caller;
}

/** Who calls. Fails a call that came past the gate without anybody. */
export function callerOf(values: ContextValues): Caller {
  const caller = values.get(CALLER);
  if (caller === undefined) throw new Error("a call got past the gate without a caller");
  return caller;
}
