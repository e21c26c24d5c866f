// A client of VerifyStream by hand over node:http2, which decides about every byte and about when it reads.

import type { ClientHttp2Session, ClientHttp2Stream } from "node:http2";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  VerifyStreamRequestSchema,
  type VerifyStreamResponse,
  VerifyStreamResponseSchema,
} from "../../../gen/fleetkey/v1/key_service_pb.js";
import { envelope } from "../wire/grpc.ts";

export interface VerifyStream {
  readonly stream: ClientHttp2Stream;
  readonly answers: readonly VerifyStreamResponse[];
  /** Resolves once so many have come, or when it is over. */
  answered(count: number): Promise<void>;
  /** `grpc-status` and `grpc-message`, or how it was ended without. */
  readonly ended: Promise<string>;
}

/** One request in its frame. */
export function requestOf(
  id: number,
  apiKey: string,
  more: { readonly requiredScopes?: string[] } = {},
): Buffer {
  const message = create(VerifyStreamRequestSchema, { id, request: { apiKey, ...more } });
  return envelope(toBinary(VerifyStreamRequestSchema, message));
}

export function openVerifyStream(session: ClientHttp2Session, caller: string): VerifyStream {
  const stream = session.request({
    ":method": "POST",
    ":path": "/fleetkey.v1.KeyService/VerifyStream",
    "content-type": "application/grpc",
    te: "trailers",
    "x-api-key": caller,
  });
  const answers: VerifyStreamResponse[] = [];
  let bytes = Buffer.alloc(0);
  let wake: () => void = () => {};
  let end: string | undefined;
  stream.on("data", (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    let at = 0;
    for (;;) {
      if (bytes.length < at + 5 || bytes.length < at + 5 + bytes.readUInt32BE(at + 1)) break;
      const start = at + 5;
      at = start + bytes.readUInt32BE(at + 1);
      answers.push(fromBinary(VerifyStreamResponseSchema, bytes.subarray(start, at)));
    }
    bytes = bytes.subarray(at);
    wake();
  });
  stream.on("trailers", (trailers) => {
    end = [trailers["grpc-status"], trailers["grpc-message"] ?? ""].join(" ").trim();
  });
  stream.on("error", () => {});
  // As clients do: whoever knows how it ended has nothing more to say.
  stream.on("trailers", () => stream.end());
  const ended = new Promise<string>((resolve) => {
    stream.on("close", () => {
      end ??= `reset ${stream.rstCode}`;
      resolve(end);
      wake();
    });
  });
  return {
    ...{ stream, answers, ended },
    async answered(count) {
      while (answers.length < count && !stream.closed) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}
