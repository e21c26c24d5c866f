// What travels with a call beside its message: the peer's address, and who calls once the gate has let the
// call in.
import { type ContextValues, createContextKey } from "@connectrpc/connect";
import type { Caller } from "../../access/caller.ts";

/** Set where the request comes in; empty when unknown (a Unix socket). */
export const PEER_ADDRESS = createContextKey<string>("", { description: "peer address" });

/** Set by the gate. Nothing may be done for a call without it. */
export const CALLER = createContextKey<Caller | undefined>(undefined, { description: "caller" });

/** Who calls. Fails a call that came past the gate without anybody. */
export function callerOf(values: ContextValues): Caller {
  const caller = values.get(CALLER);
  if (caller === undefined) throw new Error("a call got past the gate without a caller");
  return caller;
}
