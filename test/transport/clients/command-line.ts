// Clients that people type: curl and `buf curl`. Each call is a process of its own.
import { execFile } from "node:child_process";
import type { JsonObject } from "@bufbuild/protobuf";
import { type Client, pathOf, readErrorJson } from "./client.ts";

/** `httpVersion` is curl's option for it. */
export function curl(baseUrl: string, httpVersion: "--http1.1" | "--http2-prior-knowledge"): Client {
  return {
    carries: ["unknown_name"],
    async call(rpc, request, { headers }) {
      const sent = { "content-type": "application/json", ...headers };
      const { stdout } = await run("curl", [
        ...["--silent", "--show-error", httpVersion, "--write-out", "\n%{http_code}"],
        ...headerArguments(sent),
        ...["--data", JSON.stringify(request), `${baseUrl}${pathOf(rpc)}`],
      ]);
      const end = stdout.lastIndexOf("\n");
      const body = stdout.slice(0, end);
      const isOk = stdout.slice(end + 1) === "200";
      return isOk ? { code: "ok", response: JSON.parse(body) as JsonObject } : readErrorJson(body);
    },
    close: () => {},
  };
}

/**
 * With the contract from proto/, as the server has no reflection here. It checks requests before it sends
 * them.
 */
export function bufCurl(baseUrl: string, protocol: "grpc" | "grpcweb" | "connect"): Client {
  return {
    carries: [],
    async call(rpc, request, { headers }) {
      const { exitCode, stdout, stderr } = await run("buf", [
        ...["curl", "--schema", "proto", "--protocol", protocol, "--http2-prior-knowledge"],
        ...headerArguments(headers),
        ...["--data", JSON.stringify(request), `${baseUrl}${pathOf(rpc)}`],
      ]);
      if (exitCode === 0) return { code: "ok", response: JSON.parse(stdout) as JsonObject };
      return readErrorJson(stderr);
    },
    close: () => {},
  };
}

function headerArguments(headers: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(headers).flatMap(([name, value]) => ["--header", `${name}: ${value}`]);
}

interface Finished {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(command: string, args: readonly string[]): Promise<Finished> {
  return new Promise((resolve, reject) => {
    execFile(command, args, (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : error.code;
      // A code that is text means that there was no process: the tool is missing.
      if (typeof exitCode === "number") resolve({ exitCode, stdout, stderr });
      else reject(error);
    });
  });
}
