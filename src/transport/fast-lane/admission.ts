// Who calls, as gate.ts would find it. What cannot be told at once from memory is left to the stock road, and
// every refusal is: it counts them.
import type { IncomingHttpHeaders } from "node:http";
import type { Socket } from "node:net";
import { assertMayCall, mayCall } from "../../access/authority.ts";
import { type Caller, sidecarCaller } from "../../access/caller.ts";
import { credentialOf } from "../../access/credentials.ts";
import { RPC_SCOPES } from "../../access/rpc-scopes.ts";
import {
  type Authentication,
  credentialRequired,
  type Presented,
} from "../../app/callers/authenticate-caller.ts";
import { ADMISSION_MS_MAX } from "../connect/around-calls.ts";
import { VERIFY, VERIFY_STREAM } from "./call-head.ts";

/** One scope opens all that the lane answers. */
const SCOPE = RPC_SCOPES.get(VERIFY) ?? "";
if (SCOPE === "" || SCOPE !== RPC_SCOPES.get(VERIFY_STREAM)) throw new Error("Verify needs one scope");

/** How the callers of one listener are let in. */
export interface Admission {
  /** Who calls, if it may; undefined leaves it to the stock road. */
  admit(headers: IncomingHttpHeaders, rawHeaders: readonly string[], peer: Peer): Caller | undefined;
  /** For a call that is not left to the stock road after all. */
  rememberUse(caller: Caller): void;
  /** Who calls as of now, for a call that was let in and lasts. Rejects as the gate does. */
  admitAgain(headers: IncomingHttpHeaders, peer: Peer): Promise<Caller>;
}

/** The other end of a connection. */
export class Peer {
  /** Undefined when it has none, as over a Unix socket. */
  readonly address: string | undefined;
  readonly #socket: Socket;
  #sidecar: Caller | undefined;
  #certificate: Presented["certificate"];
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(socket: Socket) {
    this.address = socket.remoteAddress || undefined;
    this.#socket = socket;
  }

  /** Who it is where nobody has to say it. */
  get sidecar(): Caller {
    this.#sidecar ??= sidecarCaller(this.address);
    return this.#sidecar;
  }

  /** Kept for as long as any word of the gate: to read a certificate takes longer than a whole Verify. */
  certificate(read: ((socket: Socket) => Presented["certificate"]) | undefined): Presented["certificate"] {
    const now = performance.now();
    if (now - this.#askedAt < ADMISSION_MS_MAX) return this.#certificate;
    this.#askedAt = now;
    this.#certificate = read?.(this.#socket);
    return this.#certificate;
  }
}

/** Of the sidecar listener: whoever reaches it may verify. */
export const SIDECAR_ADMISSION: Admission = {
  admit: (_headers, _rawHeaders, peer) => peer.sidecar,
  rememberUse: () => {},
  admitAgain: async (_headers, peer) => peer.sidecar,
};

export interface CredentialOptions {
  readonly authentication: Authentication;
  /** Names of more headers that can hold a caller's credential. */
  readonly callerHeaders: readonly string[];
  readonly certificateOf: (socket: Socket) => Presented["certificate"];
}

export function credentialAdmission(options: CredentialOptions): Admission {
  const { authentication, callerHeaders, certificateOf } = options;
  const presentedOf = (headers: IncomingHttpHeaders, peer: Peer) => {
    const credential = credentialOf(new HeaderTexts(headers), callerHeaders);
    const certificate = credential.kind === "none" ? peer.certificate(certificateOf) : undefined;
    return { credential, address: peer.address, certificate };
  };
  return {
    admit(headers, rawHeaders, peer) {
      if (headers.authorization !== undefined && !isOnce(rawHeaders, "authorization")) return undefined;
      const caller = authentication.recognize(presentedOf(headers, peer));
      return caller?.id !== undefined && mayCall(caller, SCOPE) ? caller : undefined;
    },
    rememberUse: (caller) => authentication.rememberUse(caller),
    async admitAgain(headers, peer) {
      const caller = await authentication.authenticate({ ...presentedOf(headers, peer), isRepeated: true });
      if (caller.id === undefined) {
        throw authentication.refusal(peer.address, credentialRequired("CREDENTIAL_REQUIRED"));
      }
      assertMayCall(caller, SCOPE);
      return caller;
    },
  };
}

/** Headers as credentialOf reads them. */
class HeaderTexts {
  readonly #headers: IncomingHttpHeaders;

  constructor(headers: IncomingHttpHeaders) {
    this.#headers = headers;
  }

  get(name: string): string | null {
    const value = this.#headers[name];
    return typeof value === "string" ? value : (value?.join(", ") ?? null);
  }
}

// Of several headers of this name node keeps the first and says nothing.
function isOnce(rawHeaders: readonly string[], name: string): boolean {
  let count = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const raw = rawHeaders[at];
    if (raw?.length === name.length && (raw === name || raw.toLowerCase() === name)) count += 1;
  }
  return count === 1;
}
