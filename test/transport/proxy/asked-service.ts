// A service as proxies ask it, on both listeners, with keys in every state that a proxy can meet.

import type { JsonObject } from "@bufbuild/protobuf";
import { vi } from "vitest";
import { type RunningService, runService } from "../../running-service.ts";
import { type MatrixClient, overJson } from "../access/matrix-client.ts";
import { asRoot } from "../access/world.ts";

export interface AskedKey {
  readonly apiKey: string;
  readonly keyId: string;
}

export interface AskedService {
  readonly service: RunningService;
  readonly operator: MatrixClient;
  /** Where sidecars ask. */
  readonly sidecarUrl: string;
  /** A user key of user-1 when nothing else is said. */
  create(more?: JsonObject): Promise<AskedKey>;
  stop(): Promise<void>;
}

export async function askedService(settings: Readonly<Record<string, string>> = {}): Promise<AskedService> {
  const service = await runService({
    FLEETKEY_ENVIRONMENT: "prod",
    FLEETKEY_SIDECAR_LISTEN: "127.0.0.1:0",
    ...settings,
  });
  const operator = overJson(service.url);
  const line = service
    .logged()
    .split("\n")
    .find((text) => text.includes("sidecars are answered"));
  return {
    service,
    operator,
    sidecarUrl: (JSON.parse(line ?? "{}") as { url: string }).url,
    async create(more = {}) {
      const { apiKey, key } = await asRoot(operator, "Create", {
        type: "KEY_TYPE_USER",
        userId: "user-1",
        ...more,
      });
      return { apiKey, keyId: key.keyId };
    },
    async stop() {
      operator.close();
      await service.stop();
    },
  };
}

/** One key in each state that is refused, whatever is required. */
export async function endedKeys({
  create,
  operator,
}: AskedService): Promise<Readonly<Record<string, string>>> {
  const revoked = await create();
  await asRoot(operator, "Revoke", { keyId: revoked.keyId });
  const disabled = await create();
  await asRoot(operator, "Update", {
    key: { keyId: disabled.keyId, disabled: true },
    updateMask: "disabled",
  });
  return { revoked: revoked.apiKey, expired: await expiredKey(create), disabled: disabled.apiKey };
}

// The service runs in this process: its clock is this one, and the key is made a day ago.
async function expiredKey(create: AskedService["create"]): Promise<string> {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() - 86_400_000 });
  try {
    return (await create({ ttl: "60s" })).apiKey;
  } finally {
    vi.useRealTimers();
  }
}
