// A call that no gate has let in is stopped before its handler, in every rpc of every service: a handler that
// needs no caller's name must not answer nobody either. And one whose body came late is let in once more.
import type { DescMethod } from "@bufbuild/protobuf";
import { Code, ConnectError, createRouterTransport, type HandlerContext } from "@connectrpc/connect";
import { expect, it, vi } from "vitest";
import { EventService } from "../../gen/fleetkey/v1/event_service_pb.js";
import { KeyService } from "../../gen/fleetkey/v1/key_service_pb.js";
import { type Caller, rootCaller } from "../../src/access/caller.ts";
import { aroundCalls } from "../../src/transport/connect/around-calls.ts";
import { ADMITTED_AT, CALLER, CALLER_AGAIN } from "../../src/transport/connect/call-context.ts";

const METHODS = [...KeyService.methods, ...EventService.methods];

/** One call of a method whose gate does as it is told; gives what became of it. */
async function call(method: DescMethod, requestGate: (context: HandlerContext) => void) {
  const handler = vi.fn(() => ({}));
  const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn(), isLevelEnabled: () => true };
  const authentication = { refusal: (_: unknown, refused: Error) => refused as never };
  const around = aroundCalls({ log, authentication, streamIdleMsMax: 1_000 });
  const transport = createRouterTransport((router) => router.rpc(method as never, handler as never), {
    router: { interceptors: [around], requestGate },
  });
  const code = await transport.unary(method as never, undefined, undefined, undefined, {}).then(
    () => "ok",
    (error) => Code[ConnectError.from(error).code],
  );
  return { code, handler, log };
}

it.each(METHODS.map((method) => [method.name, method] as const))(
  "%s answers nobody without a caller",
  async (_, method) => {
    const { code, handler, log } = await call(method, () => {});
    expect(code).toBe("Internal");
    expect(handler).not.toHaveBeenCalled();
    expect(log.error).toHaveBeenCalledOnce();
  },
);

it.each([
  ["at once", 0, 0],
  ["a second later", -1_000, 1],
])("A call whose body is there %s is let in anew so often.", async (_, sinceMs, times) => {
  const again = vi.fn(async (): Promise<Caller> => rootCaller());
  const { code, handler } = await call(KeyService.method.get, ({ values }) => {
    values.set(CALLER, rootCaller()).set(CALLER_AGAIN, again);
    values.set(ADMITTED_AT, performance.now() + sinceMs);
  });
  expect(code).toBe("ok");
  expect(handler).toHaveBeenCalledOnce();
  expect(again).toHaveBeenCalledTimes(times);
});

it("A caller whose key ended while the body was held back is refused.", async () => {
  const { code, handler } = await call(KeyService.method.get, ({ values }) => {
    values.set(CALLER, rootCaller()).set(ADMITTED_AT, performance.now() - 1_000);
    values.set(CALLER_AGAIN, () => Promise.reject(new ConnectError("revoked", Code.Unauthenticated)));
  });
  expect(code).toBe("Unauthenticated");
  expect(handler).not.toHaveBeenCalled();
});
