// A connection whose incoming bytes a test can hold back: what crosses what on the wire is then for the test
// to say.
import { connect } from "node:net";
import { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";

export interface HeldBack extends Duplex {
  /** Keeps what comes in from here on. */
  hold(): void;
  /** Resolves when what is written next is out. */
  sent(): Promise<void>;
  /** Hands over what was kept, and no longer keeps anything. */
  release(): void;
}

/** Connects in clear text, or over TLS for HTTP/2 when there is a certificate to trust. */
export async function openHeldBack(url: string, ca?: string): Promise<HeldBack> {
  const { hostname, port } = new URL(url);
  const address = { host: hostname, port: Number(port) };
  const socket = ca === undefined ? connect(address) : connectTls({ ...address, ca, ALPNProtocols: ["h2"] });
  await new Promise((resolve, reject) => {
    socket.once(ca === undefined ? "connect" : "secureConnect", resolve).once("error", reject);
  });
  let kept: Buffer[] | undefined;
  const line = new Duplex({
    read: () => {},
    write: (bytes, _encoding, done) => {
      socket.write(bytes, (error) => {
        done(error);
        line.emit("sent");
      });
    },
    final: (done) => socket.end(done),
    destroy: (error, done) => {
      socket.destroy();
      done(error);
    },
  });
  socket.on("data", (bytes: Buffer) => (kept === undefined ? line.push(bytes) : kept.push(bytes)));
  socket.on("end", () => line.push(null)).on("error", (error) => line.destroy(error));
  return Object.assign(line, {
    hold() {
      kept = [];
    },
    sent: () => new Promise<void>((resolve) => line.once("sent", () => resolve())),
    release() {
      const bytes = kept ?? [];
      kept = undefined;
      for (const chunk of bytes) line.push(chunk);
    },
  });
}
