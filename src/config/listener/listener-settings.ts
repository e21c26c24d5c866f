// The settings of the port: TLS, client certificates, browsers, limits. Part of SETTINGS, in this order.
import { z } from "zod";
import { parseDurationFrom } from "../duration.ts";
import { parsed, parseWhole } from "../parsed.ts";
import { parseClientScopes } from "./client-scopes.ts";
import { parseOrigins } from "./origins.ts";

const path = () => z.string().min(1).optional();

const TLS_SETTINGS = {
  FLEETKEY_TLS_CERT: path().describe(
    "File of the certificate chain in PEM; turns TLS on. Read again when it changes, as are the next two.",
  ),
  FLEETKEY_TLS_KEY: path().describe("File of the certificate's private key in PEM."),
  FLEETKEY_TLS_CLIENT_CA: path().describe(
    "File of the certificates in PEM that sign those of clients. Clients may then present one; one that " +
      "does not verify ends the connection.",
  ),
  FLEETKEY_TLS_CLIENT_SCOPES: parsed(parseClientScopes)
    .optional()
    .describe(
      "What clients may do by their certificates, by the SPIFFE id or DNS name in it, exactly: " +
        "`spiffe://cluster.local/ns/shop/sa/checkout=fleetkey:verify,gateway.internal=fleetkey:verify " +
        "fleetkey:read`.",
    ),
};

const LIMIT_SETTINGS = {
  FLEETKEY_HEADER_BYTES_MAX: parsed(parseWhole(1_024, 1_048_576))
    .prefault("16384")
    .describe("Largest header of a request, in bytes after HTTP/2's decompression."),
  FLEETKEY_BODY_BYTES_MAX: parsed(parseWhole(4_096, 4_194_304))
    .prefault("65536")
    .describe(
      "Largest message of an ordinary call, in bytes after decompression. Refresh and Revoke have 4 KiB, " +
        "BatchVerify 1 MiB, a message of Import 4 MiB.",
    ),
  FLEETKEY_STREAMS_MAX: parsed(parseWhole(1, 65_536))
    .prefault("256")
    .describe("Open calls on one HTTP/2 connection."),
  FLEETKEY_CONNECTIONS_MAX: parsed(parseWhole(1, 1_000_000))
    .prefault("10000")
    .describe("Open connections of one process; the next one is closed at once."),
  FLEETKEY_HEADERS_TIMEOUT: parsed(parseDurationFrom("100ms", "5m"))
    .prefault("10s")
    .describe(
      "How long a client may take for the header of a request, for a TLS handshake, to say anything.",
    ),
  FLEETKEY_BODY_TIMEOUT: parsed(parseDurationFrom("100ms", "1h"))
    .prefault("30s")
    .describe(
      "How long a client may take to send the body of a call that is no stream, and to take the answer.",
    ),
  FLEETKEY_IDLE_TIMEOUT: parsed(parseDurationFrom("100ms", "24h"))
    .prefault("5m")
    .describe(
      "How long a connection stays without an open call, and a stream without a message from its client.",
    ),
  FLEETKEY_RESETS_MAX: parsed(parseWhole(1, 100_000))
    .prefault("33")
    .describe("HTTP/2 streams that one connection may reset in a second, on average over half a minute."),
  FLEETKEY_PINGS_MAX: parsed(parseWhole(1, 100_000))
    .prefault("33")
    .describe(
      "HTTP/2 pings and settings that one connection may send in a second, on average over half a minute.",
    ),
};

export const LISTENER_SETTINGS = {
  ...TLS_SETTINGS,
  FLEETKEY_CORS_ORIGINS: parsed(parseOrigins)
    .optional()
    .describe("Origins whose web pages may call, as `https://console.example.com,http://localhost:3000`."),
  ...LIMIT_SETTINGS,
};

/** Their values. */
export type ListenerSettings = z.output<z.ZodObject<typeof LISTENER_SETTINGS>>;
