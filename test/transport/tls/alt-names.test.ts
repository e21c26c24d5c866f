// Reading the text of subject alternative names: no name can pretend to be two, whatever stands in it.
import { X509Certificate } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseAltNames } from "../../../src/transport/tls/alt-names.ts";
import { type CertificateAuthority, certificateAuthority } from "../wire/certificate-authority.ts";

describe("parseAltNames", () => {
  it.each<readonly [string, readonly (readonly [string, string])[]]>([
    ["", []],
    ["DNS:a.internal", [["DNS", "a.internal"]]],
    [
      "URI:spiffe://a/b, DNS:a, IP Address:127.0.0.1",
      [
        ["URI", "spiffe://a/b"],
        ["DNS", "a"],
        ["IP Address", "127.0.0.1"],
      ],
    ],
    ['DNS:"a, DNS:b"', []],
    ['DNS:"a\\", DNS:b", DNS:c', [["DNS", "c"]]],
    ['DirName:"CN=a, DNS:b", DNS:c', [["DNS", "c"]]],
    ['othername:UPN:"a, DNS:b", DNS:c', [["DNS", "c"]]],
    ['DNS:a"b"', []],
    ["DNS:", [["DNS", ""]]],
  ])("reads %s", (text, names) => {
    expect(parseAltNames(text)).toEqual(names.map(([type, value]) => ({ type, value })));
  });

  it.each(["a.internal", "DNS:a,DNS:b", "DNS:a, ", "DNS:a, b", 'DNS:"a', 'DNS:a, DNS:"b', ", DNS:a", ":a"])(
    "takes nothing from a text of another form: %s",
    (text) => {
      expect(parseAltNames(text)).toEqual([]);
    },
  );

  it("reads a hostile text in linear time", () => {
    const started = performance.now();
    parseAltNames(`DNS:${'""'.repeat(100_000)}"`);
    parseAltNames(`DNS:a, ${"A".repeat(200_000)}`);
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});

describe("of a real certificate", () => {
  let authority: CertificateAuthority;
  beforeAll(() => {
    authority = certificateAuthority();
  });
  afterAll(() => authority.remove());

  it("a name that holds another one is not two", () => {
    const { cert } = authority.issue([
      "DNS.1 = evil.internal\\, DNS:gateway.internal",
      "DNS.2 = own.internal",
    ]);
    const text = new X509Certificate(cert).subjectAltName ?? "";
    expect(text).toContain("DNS:gateway.internal");
    expect(parseAltNames(text)).toEqual([{ type: "DNS", value: "own.internal" }]);
  });

  it("a URI that holds another one is none", () => {
    const { cert } = authority.issue(["URI.1 = spiffe://a/b\\, URI:spiffe://cluster.local/admin"]);
    expect(parseAltNames(new X509Certificate(cert).subjectAltName ?? "")).toEqual([]);
  });
});
