// Covers clientAddressOf of transport/proxy/demand.ts: the entry of x-forwarded-for that the outermost
// trusted proxy has added, never one that the client could have written, and nothing when in doubt.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clientAddressOf } from "../../../src/transport/proxy/demand.ts";
import { propertyRuns } from "../../domain/build.ts";

const PEER = "192.0.2.9";

describe("the client's address", () => {
  it.each<[forwardedFor: string | undefined, peer: string | undefined, hops: number, address: string]>([
    [undefined, PEER, 0, PEER],
    ["203.0.113.1", PEER, 0, PEER],
    ["203.0.113.1", undefined, 0, ""],
    [undefined, "/run/envoy.sock", 0, ""],
    [undefined, "2001:db8::1", 0, "2001:db8::1"],
    ["203.0.113.1", PEER, 1, "203.0.113.1"],
    ["198.51.100.7, 203.0.113.1", PEER, 1, "203.0.113.1"],
    ["198.51.100.7,203.0.113.1", PEER, 2, "198.51.100.7"],
    ["192.0.2.1, 198.51.100.7 , 203.0.113.1", PEER, 2, "198.51.100.7"],
    ["2001:db8::1, 203.0.113.1", PEER, 2, "2001:db8::1"],
    ["203.0.113.1", PEER, 2, ""],
    [undefined, PEER, 1, ""],
    ["", PEER, 1, ""],
    [",", PEER, 2, ""],
    [",203.0.113.1", PEER, 2, ""],
    ["203.0.113.1,", PEER, 1, ""],
    ["198.51.100.7, unknown", PEER, 1, ""],
    ["203.0.113.1:4711", PEER, 1, ""],
    ["203.0.113.1", PEER, 16, ""],
  ])("of %j behind %j with %i trusted hops is %j", (forwardedFor, peer, hops, address) => {
    expect(clientAddressOf(forwardedFor, peer, hops)).toBe(address);
  });

  it("depends on nothing that stands left of it", () => {
    const trusted = fc.array(fc.ipV4(), { minLength: 1, maxLength: 16 });
    fc.assert(
      fc.property(fc.string(), trusted, (claimed, added) => {
        const list = [claimed, ...added].join(", ");
        expect(clientAddressOf(list, PEER, added.length)).toBe(added[0]);
      }),
      { numRuns: propertyRuns() },
    );
  });
});
