// The certificate and key files of a TLS listener, and the one of its clients' CA: read, and held against
// each other, before anything listens and before anything changes.
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { StartRefused } from "../../domain/errors.ts";
import type { TlsTexts } from "../../transport/tls/secure-server.ts";

export interface TlsFiles {
  readonly certPath: string;
  readonly keyPath: string;
  /** Absent: clients are not asked for a certificate. */
  readonly clientCaPath: string | undefined;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** The PEM texts. Throws StartRefused when a file cannot be read or they do not make a listener. */
export function readTlsFiles({ certPath, keyPath, clientCaPath }: TlsFiles): TlsTexts {
  const cert = read("FLEETKEY_TLS_CERT", certPath);
  const key = read("FLEETKEY_TLS_KEY", keyPath);
  try {
    // An empty text counts for node as one that is not given: it makes a listener that nobody can reach.
    new X509Certificate(cert);
    createPrivateKey(key);
    createSecureContext({ cert, key });
  } catch (error) {
    throw new StartRefused(
      `FLEETKEY_TLS_CERT, FLEETKEY_TLS_KEY: ${certPath} and ${keyPath} are not a certificate and its key ` +
        `in PEM: ${(error as Error).message}`,
    );
  }
  return { cert, key, clientCa: clientCaPath === undefined ? undefined : readClientCa(clientCaPath) };
}

// OpenSSL takes a file without any certificate for an empty list, and then no client would get in.
function readClientCa(path: string): string {
  const certificates = read("FLEETKEY_TLS_CLIENT_CA", path).match(CERTIFICATE) ?? [];
  try {
    for (const certificate of certificates) new X509Certificate(certificate);
  } catch (error) {
    throw new StartRefused(
      `FLEETKEY_TLS_CLIENT_CA: ${path} holds what is no certificate: ${(error as Error).message}`,
    );
  }
  if (certificates.length === 0) {
    throw new StartRefused(`FLEETKEY_TLS_CLIENT_CA: ${path} holds no certificate in PEM`);
  }
  return certificates.join("\n");
}

function read(setting: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new StartRefused(`${setting}: cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
}
