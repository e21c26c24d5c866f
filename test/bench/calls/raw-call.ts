// One call over node's own HTTP clients, for what a generated client does not show: the bytes of the answer
// and every status.
import { request } from "node:http";
import { connect } from "node:http2";
import { buffer } from "node:stream/consumers";
import type { Wire } from "../row.ts";
import type { RequestForm } from "./requests.ts";

export interface RawAnswer {
  readonly status: number;
  /** Of gRPC, from the trailers, or from the headers of an answer without any. */
  readonly grpcStatus?: string;
  readonly body: Buffer;
}

const TIMEOUT_MS = 20_000;

export function rawCall(url: string, wire: Wire, form: RequestForm, body: Buffer): Promise<RawAnswer> {
  return wire === "json-http1" ? overHttp1(url, form, body) : overHttp2(url, form, body);
}

async function overHttp2(url: string, { path, headers }: RequestForm, body: Buffer): Promise<RawAnswer> {
  const session = connect(url);
  try {
    const failed = new Promise<never>((_resolve, reject) => session.once("error", reject));
    const fields = { ":method": "POST", ":path": path, ...Object.fromEntries(headers) };
    const stream = session.request(fields);
    stream.setTimeout(TIMEOUT_MS, () => stream.destroy(new Error(`${path} has not answered`)));
    let status = 0;
    let grpcStatus: string | undefined;
    stream.on("response", (fields) => {
      status = fields[":status"] ?? 0;
      grpcStatus = fields["grpc-status"]?.toString();
    });
    stream.on("trailers", (fields) => {
      grpcStatus = fields["grpc-status"]?.toString();
    });
    stream.end(body);
    const answer = await Promise.race([buffer(stream), failed]);
    return { status, grpcStatus, body: answer };
  } finally {
    session.destroy();
  }
}

function overHttp1(url: string, { path, headers }: RequestForm, body: Buffer): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const fields = { ...Object.fromEntries(headers), "content-length": body.length };
    const call = request(
      new URL(path, url),
      { method: "POST", headers: fields, agent: false },
      (response) => {
        buffer(response).then(
          (answer) => resolve({ status: response.statusCode ?? 0, body: answer }),
          reject,
        );
      },
    );
    call.setTimeout(TIMEOUT_MS, () => call.destroy(new Error(`${path} has not answered`)));
    call.on("error", reject).end(body);
  });
}
