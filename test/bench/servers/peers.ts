// Starts the programs of peers/, which do the least that a Verify needs and answer with the bytes that
// Fleetkey answers with. better-auth is fetched for the run, into a folder outside of the project.
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { macOf } from "../../../src/domain/api-key/digests.ts";
import { rawCall } from "../calls/raw-call.ts";
import { requestForm } from "../calls/requests.ts";
import { type FleetkeySpec, type Load, NotMeasured, type PeerSpec } from "../row.ts";
import type { World } from "../world.ts";
import { inherited, startFleetkey } from "./fleetkey.ts";
import { runToEnd, ServerProcess } from "./processes.ts";

const PROGRAMS = join(import.meta.dirname, "../peers");
/**
 * MIT. All of one version, and what they name as their peers: newer ones do not install beside each other.
 */
const BETTER_AUTH = [
  "better-auth@1.7.5",
  "@better-auth/core@1.7.5",
  "@better-auth/api-key@1.7.5",
  "@better-auth/utils@0.4.2",
  "better-call@1.4.0",
];
const SAMPLED: FleetkeySpec = { kind: "fleetkey", listener: "sidecar", store: "sqlite", keys: "few" };
const CALL = { call: "Verify", of: "stored", draw: "one", connections: 1, streams: 1 } as const;

export interface RunningPeer {
  readonly process: ServerProcess;
  readonly url: string;
}

export async function startPeer(world: World, { program }: PeerSpec): Promise<RunningPeer> {
  const { apiKeys } = await world.stored("few");
  const [apiKey = ""] = apiKeys;
  const { message, json } = await world.once("sample", () => sample(world, apiKey));
  const file = `${program}.ts`;
  const folder =
    program === "better-auth" ? await world.once("better-auth", () => fetchBetterAuth(world)) : PROGRAMS;
  if (folder !== PROGRAMS) copyFileSync(join(PROGRAMS, file), join(folder, file));
  const env = {
    ...inherited(),
    BENCH_API_KEY: apiKey,
    BENCH_PEPPER: world.pepper.secret.toString("base64"),
    BENCH_MAC: macOf(apiKey, world.pepper).value,
    BENCH_ANSWER: message.toString("base64"),
    BENCH_ANSWER_JSON: json,
  };
  const command = [process.execPath, join(folder, file)];
  const server = new ServerProcess(command, { cwd: world.folder, env });
  const [, url = ""] = await server.printed(/listening on (\S+)\n/);
  return { process: server, url };
}

// What Fleetkey answers about the key, in both forms.
async function sample(world: World, apiKey: string): Promise<{ message: Buffer; json: string }> {
  const { process: server, sidecarUrl } = await startFleetkey(world, SAMPLED);
  try {
    const ask = (wire: Load["wire"]) => {
      const form = requestForm({ ...CALL, wire }, { url: sidecarUrl }, []);
      return rawCall(sidecarUrl, wire, form, form.body(apiKey));
    };
    const [grpc, json] = await Promise.all([ask("grpc"), ask("json-http1")]);
    return { message: grpc.body.subarray(5), json: json.body.toString() };
  } finally {
    await server.stop();
  }
}

async function fetchBetterAuth(world: World): Promise<string> {
  const folder = join(world.folder, "better-auth");
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), '{"type":"module","private":true}');
  try {
    const options = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"];
    await runToEnd(["npm", "install", ...options, ...BETTER_AUTH], "", { cwd: folder });
  } catch (error) {
    const [, said] = /npm error (.*)/.exec(`${error}`) ?? [];
    const reason = said ?? (error as Error).message.split("\n").find((line) => line !== "");
    throw new NotMeasured(`better-auth cannot be installed: ${reason}`);
  }
  return folder;
}
