// A CA that signs certificates of clients with subject alternative names of the test's choice, made anew for
// each use and gone with the test.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface ClientCertificate {
  readonly cert: string;
  readonly key: string;
}

export interface CertificateAuthority {
  readonly path: string;
  readonly pem: string;
  /** Its private key. */
  readonly key: string;
  /** `names` are lines of an OpenSSL section, such as `DNS.1 = a.internal`; `days` 0 has expired at once. */
  issue(names: readonly string[], days?: number, usage?: string): ClientCertificate;
  remove(): void;
}

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

export function certificateAuthority(): CertificateAuthority {
  const folder = mkdtempSync(join(tmpdir(), "fleetkey-ca-"));
  const file = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => execFileSync("openssl", args, { stdio: "pipe" });
  const path = file("ca.pem");
  const keyPath = file("ca.key");
  openssl("req", "-x509", ...NEW_KEY, "-days", "2", "-subj", "/CN=ca", "-keyout", keyPath, "-out", path);
  return {
    path,
    pem: readFileSync(path, "utf8"),
    key: readFileSync(keyPath, "utf8"),
    issue(names, days = 2, usage = "clientAuth") {
      const [key, request, cert, extensions] = ["key", "csr", "pem", "cnf"].map((end) =>
        file(`client.${end}`),
      );
      if (!key || !request || !cert || !extensions) throw new Error("four files");
      const head = `[v3]\nextendedKeyUsage = ${usage}\n`;
      const section = names.length === 0 ? "" : `subjectAltName = @names\n[names]\n${names.join("\n")}\n`;
      writeFileSync(extensions, head + section);
      openssl("req", "-new", ...NEW_KEY, "-subj", "/CN=gateway.internal", "-keyout", key, "-out", request);
      const signing = ["-CA", path, "-CAkey", keyPath, "-CAcreateserial", "-days", String(days)];
      openssl(
        "x509",
        "-req",
        "-in",
        request,
        ...signing,
        "-extfile",
        extensions,
        "-extensions",
        "v3",
        "-out",
        cert,
      );
      return { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
}
