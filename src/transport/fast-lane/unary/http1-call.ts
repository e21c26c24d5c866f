// A Verify straight on a request of node:http, over Connect.
import type { HttpRequest, HttpResponse } from "../../http.ts";
import type { LaneParts } from "../lane-parts.ts";
import type { Answer } from "./answers.ts";
import { type Arrival, UnaryCall } from "./unary-call.ts";

/** How the listeners of a request and its response find their call. */
const CALL = Symbol("call");
type CalledRequest = HttpRequest & { [CALL]?: Http1Call };
type CalledResponse = HttpResponse & { [CALL]?: Http1Call };

export class Http1Call extends UnaryCall {
  readonly #request: CalledRequest;
  readonly #response: CalledResponse;
  /** Node takes it from a request that is answered. */
  readonly #socket: HttpRequest["socket"];

  constructor(parts: LaneParts, arrival: Arrival, request: HttpRequest, response: HttpResponse) {
    super(parts, arrival);
    this.#socket = request.socket;
    this.#request = request;
    this.#response = response;
    this.#request[CALL] = this;
    this.#response[CALL] = this;
    request.on("data", onData).on("end", onEnd);
    response.on("close", onClose);
  }

  protected override cutOff(): void {
    this.#socket.destroy();
  }

  protected override handOver(body: Buffer): void {
    const request = this.#request;
    request.off("data", onData).off("end", onEnd);
    this.#response.off("close", onClose);
    request.pause();
    request.unshift(body);
    this.parts.stock.toRequest(request, this.#response);
  }

  protected override write({ status, contentType, bytes, encoding, length, more }: Answer): void {
    const response = this.#response;
    if (response.destroyed) return;
    const headers = this.parts.heads.connect(contentType, length, more);
    if (this.parts.stock.isDraining()) headers.push("connection", "close");
    response.writeHead(status, headers as string[]);
    response.end(bytes, encoding);
  }
}

function onData(this: CalledRequest, chunk: Buffer): void {
  this[CALL]?.read(chunk);
}

function onEnd(this: CalledRequest): void {
  this[CALL]?.finish();
}

function onClose(this: CalledResponse): void {
  this[CALL]?.close();
}
