// Covers access/failed-attempts.ts: how often an address can be wrong in a minute before it is told only to
// wait, what counts as one address, and that every failure is counted.
import { describe, expect, it } from "vitest";
import { FailedAttempts } from "../../src/access/failed-attempts.ts";
import { FleetkeyError } from "../../src/domain/errors.ts";
import { START } from "../domain/build.ts";

const REFUSED = new FleetkeyError("unauthenticated", "no", { reason: "CREDENTIAL_INVALID" });
const ADDRESS = "192.0.2.7";

/** The codes that so many failures in a row are answered with. */
function fail(attempts: FailedAttempts, times: number, address?: string, now = START): readonly string[] {
  return Array.from({ length: times }, () => attempts.refusal(address, REFUSED, now).code);
}

describe("FailedAttempts", () => {
  it.each([1, 2, 60, 1_000])("tells an address why, %i times a minute, and then only to wait", (limit) => {
    const attempts = new FailedAttempts(limit);
    for (let index = 0; index < limit; index++) {
      expect(attempts.refusal(ADDRESS, REFUSED, START)).toBe(REFUSED);
    }
    const past = attempts.refusal(ADDRESS, REFUSED, START);
    expect(past).toMatchObject({
      code: "resource_exhausted",
      details: { reason: "TOO_MANY_FAILURES", retryAfterMs: 60_000 / limit },
    });
    expect(past.message).not.toContain(ADDRESS);
  });

  it("tells why again after exactly as long as it says", () => {
    const attempts = new FailedAttempts(3);
    fail(attempts, 3, ADDRESS);
    const { retryAfterMs = 0 } = attempts.refusal(ADDRESS, REFUSED, START + 1_000).details;
    expect(retryAfterMs).toBe(19_000);
    expect(fail(attempts, 1, ADDRESS, START + 19_999)).toEqual(["resource_exhausted"]);
    expect(fail(attempts, 2, ADDRESS, START + 20_000)).toEqual(["unauthenticated", "resource_exhausted"]);
  });

  it("forgets failures within a minute", () => {
    const attempts = new FailedAttempts(2);
    expect(fail(attempts, 3, ADDRESS)).toEqual(["unauthenticated", "unauthenticated", "resource_exhausted"]);
    expect(fail(attempts, 3, ADDRESS, START + 60_000)).toEqual([
      "unauthenticated",
      "unauthenticated",
      "resource_exhausted",
    ]);
  });

  it("A clock that was set back lets no more through.", () => {
    const attempts = new FailedAttempts(1);
    fail(attempts, 1, ADDRESS);
    expect(fail(attempts, 1, ADDRESS, START - 3_600_000)).toEqual(["resource_exhausted"]);
  });

  it("counts every failure, of all addresses, those past the limit too", () => {
    const attempts = new FailedAttempts(2);
    expect(attempts.count).toBe(0);
    fail(attempts, 5, ADDRESS);
    fail(attempts, 1, "192.0.2.8");
    fail(attempts, 1);
    expect(attempts.count).toBe(7);
  });

  it.each<[string, string | undefined, string | undefined]>([
    ["an IPv4 address and itself", "192.0.2.7", "192.0.2.7"],
    ["IPv4 and the same mapped to IPv6", "192.0.2.7", "::ffff:192.0.2.7"],
    ["IPv4 and the same mapped, in hexadecimal", "192.0.2.7", "::FFFF:c000:207"],
    ["two addresses of one /64", "2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"],
    ["two spellings of one IPv6 address", "2001:db8::1", "2001:0DB8:0:0:0:0:0:1"],
    ["a link-local address over two interfaces", "fe80::1%eth0", "fe80::1%eth1"],
    ["two connections without an address", undefined, undefined],
    ["no address and an empty one", undefined, ""],
    ["no address and a text that is none", undefined, "@"],
  ])("share one count: %s", (_, first, second) => {
    const attempts = new FailedAttempts(1);
    expect(fail(attempts, 1, first)).toEqual(["unauthenticated"]);
    expect(fail(attempts, 1, second)).toEqual(["resource_exhausted"]);
  });

  it.each<[string, string | undefined, string | undefined]>([
    ["two IPv4 addresses", "192.0.2.7", "192.0.2.8"],
    ["two IPv4 addresses, mapped to IPv6", "::ffff:192.0.2.7", "::ffff:192.0.2.8"],
    ["two /64", "2001:db8:1:2::1", "2001:db8:1:3::1"],
    ["loopback in IPv4 and in IPv6", "127.0.0.1", "::1"],
    ["an address and none", "192.0.2.7", undefined],
  ])("do not: %s", (_, first, second) => {
    const attempts = new FailedAttempts(1);
    expect(fail(attempts, 2, first)).toEqual(["unauthenticated", "resource_exhausted"]);
    expect(fail(attempts, 1, second)).toEqual(["unauthenticated"]);
  });

  it("remembers 10,000 addresses, and forgets the one that was quiet for longest first", () => {
    const attempts = new FailedAttempts(1);
    const at = (index: number) => `10.0.${index >> 8}.${index & 255}`;
    for (let index = 0; index < 10_000; index++) fail(attempts, 1, at(index));
    expect(fail(attempts, 1, at(0))).toEqual(["resource_exhausted"]);
    fail(attempts, 1, at(10_000));
    expect(fail(attempts, 1, at(0))).toEqual(["resource_exhausted"]);
    expect(fail(attempts, 1, at(1))).toEqual(["unauthenticated"]);
  });
});
