// Envoy in front of a service, by each of its configurations: asking over gRPC, over HTTP, with everybody
// let in while nobody can be asked, and asking on the port that everybody calls.
import { join } from "node:path";
import { describeBinaries } from "./harness/describe-binaries.ts";
import { describeProxy, type Options } from "./harness/every-proxy.ts";
import { MESH, type ProxySetup } from "./harness/mesh.ts";

const CONFIGURATIONS: readonly (readonly [
  file: string,
  port: number,
  options?: Options & Pick<ProxySetup, "isCaller">,
])[] = [
  ["grpc.yaml", 18_500],
  ["http.yaml", 18_600],
  ["grpc-open.yaml", 18_700, { letsInWhenDown: true }],
  ["grpc-main-port.yaml", 18_800, { isCaller: true }],
];

describeBinaries("envoy", "--version", ({ path, version }) => {
  for (const [file, port, options] of CONFIGURATIONS) {
    describeProxy(
      {
        title: `Envoy ${version} with ${file}`,
        port,
        command: () => [
          path,
          ...["-c", join(MESH, "envoy", file), "--use-dynamic-base-id", "--concurrency", "1"],
          ...["--log-level", "warning"],
        ],
        isCaller: options?.isCaller ?? false,
        environment: (caller) => ({ FLEETKEY_CALLER: caller }),
      },
      options,
    );
  }
});
