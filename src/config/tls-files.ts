// The certificate and key files of a TLS listener: read, and held against each other, before anything
// listens.
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { StartRefused } from "../domain/errors.ts";

export interface TlsFiles {
  readonly certPath: string;
  readonly keyPath: string;
}

/** The PEM texts. Throws StartRefused when a file cannot be read or the two do not make a listener. */
export function readTlsFiles({ certPath, keyPath }: TlsFiles): {
  readonly cert: string;
  readonly key: string;
} {
  const tls = { cert: read("FLEETKEY_TLS_CERT", certPath), key: read("FLEETKEY_TLS_KEY", keyPath) };
  try {
    createSecureContext(tls);
  } catch (error) {
    throw new StartRefused(
      `FLEETKEY_TLS_CERT, FLEETKEY_TLS_KEY: ${certPath} and ${keyPath} are not a certificate and its key ` +
        `in PEM: ${(error as Error).message}`,
    );
  }
  return tls;
}

function read(setting: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new StartRefused(`${setting}: cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
}
