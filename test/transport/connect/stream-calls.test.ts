// Which requests are streams, and who calls in one that lasts.
import { createContextValues } from "@connectrpc/connect";
import { expect, it, vi } from "vitest";
import { type Caller, rootCaller } from "../../../src/access/caller.ts";
import {
  ADMITTED_AT,
  CALLER,
  CALLER_AGAIN,
  callerOf,
  callerWithin,
} from "../../../src/transport/connect/call-context.ts";
import { isStreamCall } from "../../../src/transport/connect/streams/stream-calls.ts";
import type { HttpRequest } from "../../../src/transport/http.ts";

it.each([
  ["/fleetkey.v1.KeyService/Import", true],
  ["/fleetkey.v1.KeyService/VerifyStream", true],
  ["/fleetkey.v1.KeyService/Watch", true],
  ["/fleetkey.v1.KeyService/Watch?a=b", true],
  ["/fleetkey.v1.KeyService/Verify", false],
  ["/fleetkey.v1.EventService/ListEvents", false],
  ["/fleetkey.v1.KeyService/watch", false],
  ["/Watch", false],
  [undefined, false],
])("a request for %s is a stream: %s", (url, expected) => {
  expect(isStreamCall({ url } as HttpRequest)).toBe(expected);
});

it("a caller is asked again when the last word on it is older than the lease, and not before", async () => {
  const LEASE_MS = 1_000;
  const callers = [rootCaller("192.0.2.1"), rootCaller("192.0.2.2")];
  const again = vi.fn(async (): Promise<Caller> => callers[1] ?? rootCaller());
  const values = createContextValues().set(CALLER, callers[0]).set(CALLER_AGAIN, again);
  values.set(ADMITTED_AT, performance.now());
  for (let count = 0; count < 3; count++) expect(await callerWithin(values, LEASE_MS)).toBe(callers[0]);
  expect(again).not.toHaveBeenCalled();
  values.set(ADMITTED_AT, performance.now() - LEASE_MS);
  for (let count = 0; count < 3; count++) expect(await callerWithin(values, LEASE_MS)).toBe(callers[1]);
  expect(again).toHaveBeenCalledOnce();
  expect(callerOf(values)).toBe(callers[1]);
});

it("a caller that is refused stays refused", async () => {
  const refused = new Error("refused");
  const values = createContextValues().set(CALLER, rootCaller());
  values.set(CALLER_AGAIN, async () => {
    throw refused;
  });
  for (let count = 0; count < 2; count++) await expect(callerWithin(values, 1_000)).rejects.toBe(refused);
});
