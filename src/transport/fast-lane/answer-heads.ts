// The headers and trailers of the lane's answers: those of the stock road.
import type { OutgoingHttpHeaders } from "node:http";
import type { ConnectError } from "@connectrpc/connect";
import { mergeNonProtocolHeaders } from "@connectrpc/connect/protocol";
import { codeToHttpStatus, errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { DETAILS_REGISTRY } from "../connect/errors.ts";
import type { Compression } from "./call-head.ts";

/** Names and values, one after the other. */
export type RawHeaders = readonly (string | number)[];

/** The trailers of a call that has gone well. */
export const GRPC_OK: OutgoingHttpHeaders = { "grpc-status": "0" };

export class AnswerHeads {
  /** What every answer of the listener has. */
  readonly #always: RawHeaders;
  readonly #grpc = new Map<string | undefined, RawHeaders>();
  #date = "";
  #second = 0;

  /** `hasOrigins`: answers differ for pages of other origins. */
  constructor(hasOrigins: boolean) {
    this.#always = ["cache-control", "no-store", ...(hasOrigins ? ["vary", "Origin"] : [])];
  }

  /** Of HTTP/2 and gRPC. One list for all answers of a second: node only reads it when it holds the date. */
  grpc(compression: Compression | undefined): RawHeaders {
    this.#keepTime();
    const known = this.#grpc.get(compression?.name);
    if (known !== undefined) return known;
    const encoding = compression === undefined ? [] : ["grpc-encoding", compression.name];
    const type = ["content-type", "application/grpc+proto"];
    const headers = [":status", 200, ...type, ...encoding, ...this.#always, "date", this.#date];
    this.#grpc.set(compression?.name, headers);
    return headers;
  }

  /** Of Connect, for either version of HTTP. */
  connect(contentType: string, contentLength: number, more: RawHeaders): (string | number)[] {
    return ["content-type", contentType, ...this.#always, "content-length", contentLength, ...more];
  }

  /** What HTTP/2 has beside it; for HTTP/1.1 node adds it. */
  http2(status: number): RawHeaders {
    this.#keepTime();
    return [":status", status, "date", this.#date];
  }

  #keepTime(): void {
    const second = Math.floor(Date.now() / 1_000);
    if (second === this.#second) return;
    this.#second = second;
    this.#date = new Date(second * 1_000).toUTCString();
    this.#grpc.clear();
  }
}

/** The trailers of a call that has failed. */
export function grpcFailure(error: ConnectError): OutgoingHttpHeaders {
  return Object.fromEntries(setTrailerStatus(new Headers(GRPC_OK as Record<string, string>), error));
}

/** What Connect says of a call that has failed. */
export function connectFailure(error: ConnectError) {
  const headers = new Headers();
  mergeNonProtocolHeaders(headers, error.metadata);
  return {
    status: codeToHttpStatus(error.code),
    headers: [...headers].flat(),
    body: Buffer.from(errorToJsonBytes(error, { registry: DETAILS_REGISTRY })),
  };
}
