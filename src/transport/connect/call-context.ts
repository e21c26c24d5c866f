// What travels with a call beside its message: the peer's address, and who calls once the gate has let the
// call in.
import { createContextKey } from "@connectrpc/connect";
import type { Caller } from "../../access/caller.ts";

/** Set where the request comes in; empty when unknown (a Unix socket). */
export const PEER_ADDRESS = createContextKey<string>("", { description: "peer address" });

/** Set by the gate. Nothing may be done for a call without it. */
export const CALLER = createContextKey<Caller | undefined>(undefined, { description: "caller" });
