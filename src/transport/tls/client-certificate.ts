// Who a client is by its certificate: names in it that were given scopes. Whether the certificate can be
// trusted is OpenSSL's word; a connection with one that cannot is not even opened (secure-server.ts).
import type { X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { parseAltNames } from "./alt-names.ts";

/** Scopes by SPIFFE id or DNS name. */
export type ClientScopes = ReadonlyMap<string, readonly string[]>;

export interface CertificateIdentity {
  /** Of the names with scopes the SPIFFE id, else the first DNS name. */
  readonly name: string;
  readonly scopes: readonly string[];
}

const NAME_BYTES_MAX = 2_048;
const DNS_NAME_LENGTH_MAX = 253;
const DNS_NAME = /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
/** Trust domain and path as the SPIFFE standard has them; `.` and `..` are no segments. */
const SPIFFE_ID = /^spiffe:\/\/[a-z0-9._-]{1,255}(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._-]+)+$/;

/** Whether certificates are searched for such a name. Names compare byte by byte: there is one spelling. */
export function isClientName(text: string): boolean {
  if (text.length > NAME_BYTES_MAX) return false;
  return SPIFFE_ID.test(text) || (text.length <= DNS_NAME_LENGTH_MAX && DNS_NAME.test(text));
}

/**
 * Who the peer is, at `now` in milliseconds since 1970: a long connection can outlive its certificate.
 *
 * A certificate with several names that have scopes has the scopes of all: whoever signed it said that the
 * holder is each of them, and nobody says that the order of names in a certificate means something.
 */
export function certificateIdentity(
  socket: Socket,
  scopes: ClientScopes,
  now: number,
): CertificateIdentity | undefined {
  // Of another kind of socket there is neither. A request of HTTP/2 has a stand-in that has both.
  const { authorized, getPeerX509Certificate } = socket as Partial<TLSSocket>;
  if (scopes.size === 0 || authorized !== true) return undefined;
  const certificate = getPeerX509Certificate?.call(socket);
  if (certificate === undefined || !isValidAt(certificate, now)) return undefined;
  const names = clientNames(certificate.subjectAltName ?? "").filter((name) => scopes.has(name));
  const [name] = names;
  if (name === undefined) return undefined;
  return { name, scopes: [...new Set(names.flatMap((each) => scopes.get(each) ?? []))] };
}

function isValidAt({ validFromDate, validToDate }: X509Certificate, now: number): boolean {
  return validFromDate.getTime() <= now && now <= validToDate.getTime();
}

/** The SPIFFE id and then the DNS names. The subject's CN is not looked at (RFC 9525, section 2). */
function clientNames(subjectAltName: string): readonly string[] {
  const altNames = parseAltNames(subjectAltName);
  const valuesOf = (type: string) => altNames.filter((name) => name.type === type).map(({ value }) => value);
  const uris = valuesOf("URI");
  // A certificate with a SPIFFE id and any other URI is to be rejected (X509-SVID, section 2).
  if (uris.length > 1) return [];
  // Each kind by its own form: a CA that lets anybody have any DNS name must not give away SPIFFE ids.
  const dnsNames = valuesOf("DNS").map((value) => value.toLowerCase());
  return [...uris.filter((uri) => SPIFFE_ID.test(uri)), ...dnsNames.filter((name) => DNS_NAME.test(name))];
}
