// Calls over HTTP/1.1 with kept connections, for a machine without h2load. node:http costs about as much as
// the server that it calls, so figures with it are lower bounds.
import { Agent, type IncomingMessage, request } from "node:http";
import type { Tally } from "./tally.ts";
import type { Task } from "./task.ts";
import { Texts } from "./unary-calls.ts";

export function makeHttp1Calls(task: Task, tally: Tally, fail: (error: Error) => void): void {
  const texts = new Texts(task);
  const agent = new Agent({ keepAlive: true, maxSockets: task.connections });
  const prefix = Buffer.from(task.prefixHex, "hex");
  const suffix = Buffer.from(task.suffixHex, "hex");
  const url = new URL(task.path, task.url);

  const call = () => {
    if (!tally.isOpen) return;
    tally.calls++;
    const body = Buffer.concat([prefix, Buffer.alloc(texts.width), suffix]);
    texts.copyNext(body, prefix.length);
    const headers = { ...Object.fromEntries(task.headers), "content-length": body.length };
    request(url, { agent, method: "POST", headers }, take).on("error", fail).end(body);
  };
  const take = (response: IncomingMessage) => {
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.on("end", () => {
      const bytes = Buffer.concat(chunks);
      const isRight = response.statusCode === 200 && tally.isRight(bytes, 0, bytes.length);
      if (!isRight) tally.noteWrong(bytes, 0, bytes.length);
      tally.answered(isRight);
      call();
    });
  };
  tally.start();
  for (let i = 0; i < task.connections; i++) call();
}
