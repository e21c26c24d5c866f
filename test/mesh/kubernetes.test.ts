// The manifests in kubernetes/: they are YAML, they ask where Fleetkey is, they let nobody in when it is
// not, and they name settings and headers that there are. Their fields were held against the published
// schemas of Kubernetes, Gateway API, Envoy Gateway and Istio when they were written; no cluster runs here.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { SETTINGS } from "../../src/config/settings.ts";
import { IDENTITY } from "./harness/answers.ts";
import { isExecutable, PYTHON } from "./harness/binaries.ts";
import { MESH } from "./harness/mesh.ts";
import { readDocuments, type Yaml } from "./harness/read-yaml.ts";

const FOLDER = join(MESH, "kubernetes");
const FILES = readdirSync(FOLDER).filter((file) => file.endsWith(".yaml"));
const textOf = (file: string) => readFileSync(join(FOLDER, file), "utf8");
const documentsOf = (file: string) => readDocuments(textOf(file));

/** Every mapping inside, itself included. */
function* mappingsIn(value: unknown): Generator<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value)) yield value as Record<string, unknown>;
  for (const inner of Object.values(value)) yield* mappingsIn(inner);
}

const valuesOf = (documents: readonly Yaml[], name: string) =>
  [...mappingsIn(documents)].flatMap((mapping) => (name in mapping ? [mapping[name]] : []));

/** Settings of the containers that have any. */
const environmentsOf = (documents: readonly Yaml[]) =>
  (valuesOf(documents, "env") as { readonly name: string; readonly value?: string }[][]).map(
    (variables) => new Map(variables.map(({ name, value }) => [name, value])),
  );

if (!isExecutable(PYTHON)) {
  describe("the manifests", () => {
    it.skip("cannot be read without a library for YAML: test/mesh/install brings it", () => {});
  });
} else {
  describe.each(FILES)("kubernetes/%s", (file) => {
    it("holds documents with a kind and a name", () => {
      for (const { apiVersion, kind, metadata } of documentsOf(file)) {
        expect([apiVersion, kind, metadata?.name]).toEqual(Array(3).fill(expect.stringMatching(/./)));
      }
    });

    it("names settings that there are", () => {
      const named = textOf(file).match(/FLEETKEY_[A-Z_]+/g) ?? [];
      expect(named.filter((name) => !(name in SETTINGS))).toEqual([]);
    });

    it("lets nobody in without an answer", () => {
      const documents = documentsOf(file);
      const asking = ["envoyExtAuthzGrpc", "envoyExtAuthzHttp", "extAuth"].flatMap((name) =>
        valuesOf(documents, name),
      );
      for (const provider of asking) expect(provider).toMatchObject({ failOpen: false });
    });

    it("tells services all that they can be told", () => {
      const documents = documentsOf(file);
      const annotation = "nginx.ingress.kubernetes.io/auth-response-headers";
      const lists = [
        ...valuesOf(documents, "headersToUpstreamOnAllow"),
        ...valuesOf(documents, "earlyRequestHeaders").map((early) => (early as { remove: string[] }).remove),
        ...valuesOf(documents, annotation).map((list) => String(list).split(",")),
      ];
      for (const list of lists) expect(list).toEqual(IDENTITY);
    });
  });

  it("asks where Fleetkey listens for gateways", () => {
    const fleetkey = documentsOf("fleetkey.yaml");
    const [environment] = environmentsOf(fleetkey);
    const port = Number(environment?.get("FLEETKEY_SIDECAR_LISTEN")?.split(":").at(-1));
    const service = fleetkey.find(({ kind }) => kind === "Service");
    expect(valuesOf(fleetkey, "containerPort")).toContain(port);
    expect(service?.spec).toMatchObject({
      ports: expect.arrayContaining([expect.objectContaining({ port })]),
    });
    const host = `${service?.metadata?.name}.${service?.metadata?.namespace}.svc.cluster.local`;
    const all = FILES.flatMap(documentsOf);
    const providers = ["envoyExtAuthzGrpc", "envoyExtAuthzHttp"].flatMap((name) => valuesOf(all, name));
    const backends = valuesOf(all, "grpc");
    const urls = valuesOf(all, "nginx.ingress.kubernetes.io/auth-url").map((url) => new URL(String(url)));
    expect([providers.length, backends.length, urls.length]).toEqual([2, 2, 2]);
    for (const provider of providers) expect(provider).toMatchObject({ service: host, port });
    for (const backend of backends) {
      const named = { name: "fleetkey", namespace: "fleetkey", port };
      expect(backend).toEqual({ backendRefs: [named] });
    }
    for (const url of urls) expect(url.host).toBe(`${host}:${port}`);
  });

  it("opens the listener for sidecars to this pod alone, or to whom a policy names", () => {
    const [sidecar] = environmentsOf(documentsOf("sidecar.yaml"));
    expect(sidecar?.get("FLEETKEY_SIDECAR_LISTEN")).toMatch(/^127\.0\.0\.1:/);
    const fleetkey = documentsOf("fleetkey.yaml");
    const policy = fleetkey.find(({ kind }) => kind === "NetworkPolicy");
    const rules = valuesOf(policy === undefined ? [] : [policy], "ingress").flat() as {
      readonly ports: readonly { readonly port: number }[];
      readonly from?: readonly unknown[];
    }[];
    const open = rules.filter(({ from }) => from === undefined).flatMap(({ ports }) => ports);
    expect(open).toEqual([{ port: 8080 }]);
  });
}
