// The TLS side of a listener: versions, ALPN, client certificates. What is spoken inside is the listener's.
import { constants } from "node:crypto";
import { createServer, type SecureContextOptions, type Server, type TLSSocket } from "node:tls";

/** PEM texts. */
export interface TlsTexts {
  readonly cert: string;
  readonly key: string;
  /** Who signs the certificates of clients; absent: clients are not asked for one. */
  readonly clientCa: string | undefined;
}

export interface SecureServerOptions {
  readonly texts: TlsTexts;
  readonly handshakeMsMax: number;
  readonly onSocket: (socket: TLSSocket) => void;
  /** A certificate was presented that does not count; OpenSSL's word for why. */
  readonly onRefused: (reason: string) => void;
}

export function createSecureServer(options: SecureServerOptions): Server {
  const server = createServer({
    ...contextOf(options.texts),
    ALPNProtocols: ["h2", "http/1.1"],
    // Bytes of a handshake do not put this off: node's timer sees only what is decrypted.
    handshakeTimeout: options.handshakeMsMax,
    requestCert: options.texts.clientCa !== undefined,
    // True would also refuse clients without a certificate.
    rejectUnauthorized: false,
  });
  // Whoever fails the handshake is gone. Nobody is told: anybody can do it, any number of times.
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  server.on("secureConnection", (socket) => {
    if (!presentsWrongCertificate(socket)) return options.onSocket(socket);
    options.onRefused(String(socket.authorizationError));
    socket.destroy();
  });
  return server;
}

/** For the connections to come; open ones go on. Throws when the texts do not make a context. */
export function changeTls(server: Server, texts: TlsTexts): void {
  server.setSecureContext(contextOf(texts));
}

function contextOf({ cert, key, clientCa: ca }: TlsTexts): SecureContextOptions {
  return {
    cert,
    key,
    ca,
    minVersion: "TLSv1.2",
    // A resumed session brings back a client certificate that was checked when the session began: one that
    // has expired since would still count. Without tickets node keeps no sessions at all.
    secureOptions: ca === undefined ? 0 : constants.SSL_OP_NO_TICKET,
  };
}

// Treating it as none would hide from a client, and from whoever runs it, why its calls are refused.
function presentsWrongCertificate(socket: TLSSocket): boolean {
  return !socket.authorized && socket.getPeerX509Certificate() !== undefined;
}
