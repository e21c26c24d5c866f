// A certificate for 127.0.0.1 that signs itself, made anew for each use and gone with the test.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Certificate {
  /** PEM text, to be trusted by clients. */
  readonly pem: string;
  /** Settings that make the service use it. */
  readonly settings: Readonly<Record<string, string>>;
  remove(): void;
}

export function selfSigned(): Certificate {
  const directory = mkdtempSync(join(tmpdir(), "fleetkey-tls-"));
  const certPath = join(directory, "cert.pem");
  const keyPath = join(directory, "key.pem");
  execFileSync(
    "openssl",
    [
      ...[
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
      ],
      ...["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"],
      ...["-keyout", keyPath, "-out", certPath],
    ],
    { stdio: "pipe" },
  );
  return {
    pem: readFileSync(certPath, "utf8"),
    settings: { FLEETKEY_TLS_CERT: certPath, FLEETKEY_TLS_KEY: keyPath },
    remove: () => rmSync(directory, { recursive: true }),
  };
}
