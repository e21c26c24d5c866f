// From the settings of the port to what the listener runs with.
import type { ListenerLimits } from "../../transport/listener/limits.ts";
import type { ClientScopes } from "../../transport/tls/client-certificate.ts";
import type { ListenerSettings } from "./listener-settings.ts";
import type { TlsFiles } from "./tls-files.ts";

/** What the port runs with. */
export interface ListenerConfig {
  readonly tls: TlsFiles | undefined;
  /** What client certificates are good for; empty without a client CA. */
  readonly clientScopes: ClientScopes;
  /** Empty: no web page of another origin may call. */
  readonly corsOrigins: ReadonlySet<string>;
  /** Largest ordinary request message. */
  readonly bodyBytesMax: number;
  readonly limits: ListenerLimits;
}

export function listenerConfig(settings: ListenerSettings): ListenerConfig {
  return {
    tls: tlsFiles(settings),
    clientScopes: settings.FLEETKEY_TLS_CLIENT_SCOPES ?? new Map(),
    corsOrigins: settings.FLEETKEY_CORS_ORIGINS ?? new Set(),
    bodyBytesMax: settings.FLEETKEY_BODY_BYTES_MAX,
    limits: {
      headerBytesMax: settings.FLEETKEY_HEADER_BYTES_MAX,
      streamsMax: settings.FLEETKEY_STREAMS_MAX,
      connectionsMax: settings.FLEETKEY_CONNECTIONS_MAX,
      headersTimeoutMs: settings.FLEETKEY_HEADERS_TIMEOUT,
      bodyTimeoutMs: settings.FLEETKEY_BODY_TIMEOUT,
      idleTimeoutMs: settings.FLEETKEY_IDLE_TIMEOUT,
      resetsPerSecondMax: settings.FLEETKEY_RESETS_MAX,
      pingsPerSecondMax: settings.FLEETKEY_PINGS_MAX,
    },
  };
}

function tlsFiles(settings: ListenerSettings): TlsFiles | undefined {
  const {
    FLEETKEY_TLS_CERT: certPath,
    FLEETKEY_TLS_KEY: keyPath,
    FLEETKEY_TLS_CLIENT_CA: clientCaPath,
  } = settings;
  return certPath === undefined || keyPath === undefined ? undefined : { certPath, keyPath, clientCaPath };
}

/** What is wrong between settings that are each right. */
export function listenerContradictions(settings: ListenerSettings): readonly string[] {
  const isGiven = (name: keyof ListenerSettings) => settings[name] !== undefined;
  const troubles: string[] = [];
  if (isGiven("FLEETKEY_TLS_CERT") !== isGiven("FLEETKEY_TLS_KEY")) {
    troubles.push("FLEETKEY_TLS_CERT, FLEETKEY_TLS_KEY: set both or neither");
  }
  if (isGiven("FLEETKEY_TLS_CLIENT_CA") !== isGiven("FLEETKEY_TLS_CLIENT_SCOPES")) {
    troubles.push("FLEETKEY_TLS_CLIENT_CA, FLEETKEY_TLS_CLIENT_SCOPES: set both or neither");
  }
  if (isGiven("FLEETKEY_TLS_CLIENT_CA") && !isGiven("FLEETKEY_TLS_CERT")) {
    troubles.push("FLEETKEY_TLS_CLIENT_CA: needs FLEETKEY_TLS_CERT and FLEETKEY_TLS_KEY");
  }
  return troubles;
}
