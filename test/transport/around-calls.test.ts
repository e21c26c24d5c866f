// A call that no gate has let in is stopped before its handler, in every rpc of every service: a handler that
// needs no caller's name must not answer nobody either.
import { Code, ConnectError, createRouterTransport } from "@connectrpc/connect";
import { expect, it, vi } from "vitest";
import { EventService } from "../../gen/fleetkey/v1/event_service_pb.js";
import { KeyService } from "../../gen/fleetkey/v1/key_service_pb.js";
import { aroundCalls } from "../../src/transport/connect/around-calls.ts";

const IDLE_MS_MAX = 1_000;
const METHODS = [...KeyService.methods, ...EventService.methods];

it.each(METHODS.map((method) => [method.name, method] as const))(
  "%s answers nobody without a caller",
  async (_, method) => {
    const handler = vi.fn(() => ({}));
    const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
    const transport = createRouterTransport((router) => router.rpc(method, handler as never), {
      router: { interceptors: [aroundCalls(log, IDLE_MS_MAX)] },
    });
    const call = transport.unary(method as never, undefined, undefined, undefined, {});
    await expect(call).rejects.toSatisfy((error) => ConnectError.from(error).code === Code.Internal);
    expect(handler).not.toHaveBeenCalled();
    expect(log.error).toHaveBeenCalledOnce();
  },
);
