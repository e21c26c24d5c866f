// What proxies do while Fleetkey does not answer, or something else answers in its place: they let nobody
// in, except where their operator chose otherwise.
import { createServer as createHttp2Server, type ServerHttp2Stream } from "node:http2";
import { createServer, type Socket } from "node:net";
import { beforeAll, describe, expect, it } from "vitest";
import { bearer, claims, echoOf, identityOf, refusalOf } from "./answers.ts";
import type { Mesh } from "./mesh.ts";
import { listenAt } from "./upstream.ts";

/** What a proxy says while it cannot ask. */
const UNAVAILABLE = [500, 502, 503, 504];
const SILENCE = "while there is no answer";

/** What else can be where Fleetkey was, by how it takes a connection. */
const INSTEAD = {
  "while it is told that nobody can tell": (socket: Socket) => {
    socket.once("data", (start) => {
      // Over gRPC in the words of gRPC.
      if (start.toString("latin1").startsWith("PRI ")) {
        socket.pause().unshift(start);
        unavailable.emit("connection", socket);
      } else socket.end("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n");
    });
  },
  "while it is told nothing that makes sense": (socket: Socket) => {
    socket.end("SSH-2.0-OpenSSH_9.2p1\r\n");
  },
  [SILENCE]: (socket: Socket) => {
    socket.resume();
  },
};

const unavailable = createHttp2Server().on("stream", (stream: ServerHttp2Stream) => {
  stream.respond({ "content-type": "application/grpc", "grpc-status": "14" }, { endStream: true });
});

export function describeDown(mesh: () => Mesh, waitsLong?: string): void {
  const expectClosed = async () => {
    const answer = await refusalOf(mesh(), { headers: bearer(mesh().keys.user.apiKey) });
    expect(UNAVAILABLE).toContain(answer.status);
  };

  describe("when Fleetkey has been stopped", () => {
    beforeAll(() => mesh().stopFleetkey());

    it("refuses what was let in before", expectClosed);

    for (const [when, take] of Object.entries(INSTEAD)) {
      const isSkipped = when === SILENCE && waitsLong !== undefined;
      it.skipIf(isSkipped)(`refuses ${when}${isSkipped ? `: ${waitsLong}` : ""}`, async () => {
        const asked = await takeInstead(mesh().fleetkeyPort, take, expectClosed);
        expect(asked).toBeGreaterThan(0);
      });
    }
  });
}

export function describeOpen(mesh: () => Mesh): void {
  describe("when Fleetkey has been stopped and its operator prefers that to nobody", () => {
    beforeAll(() => mesh().stopFleetkey());

    it("lets in, marks what nobody has checked, and still believes nothing of it", async () => {
      const answer = await mesh().call({ headers: { ...claims("admin"), ...bearer("letmein") } });
      expect(identityOf(answer)).toEqual({});
      expect(echoOf(answer).headers).toContainEqual(["x-envoy-auth-failure-mode-allowed", "true"]);
      expect(JSON.stringify(echoOf(answer))).not.toContain("letmein");
    });
  });
}

/** Puts something else where Fleetkey was; gives how often it was connected to. */
async function takeInstead(
  port: number,
  take: (socket: Socket) => void,
  work: () => Promise<void>,
): Promise<number> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on("error", () => {}));
    take(socket);
  });
  await listenAt(server, port);
  try {
    await work();
  } finally {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  }
  return sockets.length;
}
