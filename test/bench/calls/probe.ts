// Asks a server as its users do, by a generated client, and checks that the verdict is the one that the row
// says; then once more byte by byte, as the load will. Without it a server that refuses everything would win.
import { type Client, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { DenialReason, KeyType } from "../../../gen/fleetkey/v1/key_pb.js";
import { KeyService } from "../../../gen/fleetkey/v1/key_service_pb.js";
import { matcher } from "../load/task.ts";
import { type Load, NotMeasured, type Population, type Wire, WrongAnswer } from "../row.ts";
import { rawCall } from "./raw-call.ts";
import type { RequestForm, Target } from "./requests.ts";

const UNIMPLEMENTED = "12";

export interface Probe {
  readonly target: Target;
  readonly load: Load;
  readonly form: RequestForm;
  /** What a request is about: an api_key or a key_id. */
  readonly text: string;
  /** The api_keys of a BatchVerify. */
  readonly batch: readonly string[];
  /** May verify what a Create or Refresh gives. */
  readonly verifier: string;
}

/** The bytes of an answer's data. Throws WrongAnswer, or NotMeasured where there is no such rpc. */
export async function probe(asked: Probe): Promise<number> {
  const { load, target, form, text } = asked;
  const { status, grpcStatus, body } = await rawCall(target.url, load.wire, form, form.body(text));
  if (load.call === "VerifyStream" && (status === 404 || grpcStatus === UNIMPLEMENTED)) {
    throw new NotMeasured("no such rpc");
  }
  const isGrpcOk = load.wire !== "grpc" || grpcStatus === "0";
  if (status !== 200 || !isGrpcOk || !matcher(form.expects)(body, 0, body.length)) {
    throw new WrongAnswer(
      `${load.call} of ${load.of} keys: status ${status}, grpc-status ${grpcStatus}, ${body.length} bytes`,
    );
  }
  if (load.call !== "VerifyStream") await probeByClient(asked);
  return body.length;
}

async function probeByClient(asked: Probe): Promise<void> {
  const { load, target } = asked;
  const sessions = load.wire === "json-http1" ? undefined : new Http2SessionManager(target.url);
  try {
    const client = createClient(KeyService, transport(load.wire, target.url, sessions));
    await probeRpc(asked, client, headersOf(target.credential));
  } catch (error) {
    throw error instanceof WrongAnswer ? error : new WrongAnswer(`${load.call} has failed: ${error}`);
  } finally {
    sessions?.abort();
  }
}

function transport(wire: Wire, baseUrl: string, sessionManager: Http2SessionManager | undefined): Transport {
  const json = { baseUrl, useBinaryFormat: false };
  if (sessionManager === undefined) return createConnectTransport({ ...json, httpVersion: "1.1" });
  if (wire === "grpc") return createGrpcTransport({ baseUrl, sessionManager });
  return createConnectTransport({ ...json, httpVersion: "2", sessionManager });
}

async function probeRpc(
  asked: Probe,
  client: Client<typeof KeyService>,
  headers: Record<string, string>,
): Promise<void> {
  const { load, text } = asked;
  const verify = async (apiKey: string, by: Record<string, string>, of: Population) => {
    const { valid, denialReason } = await client.verify({ apiKey }, { headers: by });
    expectVerdict(of, valid, denialReason);
  };
  const byVerifier = headersOf(asked.verifier);
  switch (load.call) {
    case "Verify":
      return verify(text, headers, load.of);
    case "BatchVerify": {
      const requests = asked.batch.map((apiKey) => ({ apiKey }));
      const { responses } = await client.batchVerify({ requests }, { headers });
      if (responses.length !== requests.length) throw new WrongAnswer("a batch was not answered in full");
      for (const { result } of responses) {
        if (result.case !== "verify") throw new WrongAnswer("a request of a batch has failed");
        expectVerdict(load.of, result.value.valid, result.value.denialReason);
      }
      return;
    }
    case "Create": {
      const { apiKey } = await client.create({ type: KeyType.USER, userId: "probe" }, { headers });
      return verify(apiKey, byVerifier, "stored");
    }
    case "Refresh": {
      const target = { case: "keyId", value: text } as const;
      const { apiKey } = await client.refresh({ target }, { headers });
      return verify(apiKey, byVerifier, "stored");
    }
    default:
      throw new Error(`${load.call} has no probe`);
  }
}

const REASONS: Readonly<Record<Population, DenialReason>> = {
  stored: DenialReason.UNSPECIFIED,
  "key-ids": DenialReason.UNSPECIFIED,
  unknown: DenialReason.UNKNOWN,
  "bad-checksum": DenialReason.MALFORMED,
};

function expectVerdict(of: Population, isValid: boolean | undefined, reason: DenialReason): void {
  const shouldBeValid = of === "stored" || of === "key-ids";
  if (isValid === shouldBeValid && reason === REASONS[of]) return;
  throw new WrongAnswer(`a ${of} key is answered valid: ${isValid}, denial_reason: ${DenialReason[reason]}`);
}

function headersOf(credential: string | undefined): Record<string, string> {
  return credential === undefined ? {} : { authorization: `Bearer ${credential}` };
}
