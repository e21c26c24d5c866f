// Connect JSON over HTTP/2 with nothing but node:http2: what a client without any library sends.
import type { JsonObject } from "@bufbuild/protobuf";
import { openHttp2 } from "../wire/http2.ts";
import { type Client, pathOf, readErrorJson } from "./client.ts";

export function http2Json(baseUrl: string): Client {
  const connection = openHttp2(baseUrl);
  return {
    carries: ["unknown_name"],
    async call(rpc, request, { headers }) {
      const { status, body } = await connection.request(
        { ":method": "POST", ":path": pathOf(rpc), "content-type": "application/json", ...headers },
        JSON.stringify(request),
      );
      return status === 200 ? { code: "ok", response: JSON.parse(body) as JsonObject } : readErrorJson(body);
    },
    close: () => connection.close(),
  };
}
