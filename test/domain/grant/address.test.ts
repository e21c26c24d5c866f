// Where a key works from: an address is in a range or it is not, however either of them is spelled; what is
// not an address is in none. Covers domain/grant/address.ts.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cidrTrouble, isAddress, isInRanges } from "../../../src/domain/grant/address.ts";
import { propertyRuns } from "../build.ts";

describe("cidrTrouble", () => {
  it.each([
    "192.0.2.0/24",
    "192.0.2.1",
    "192.0.2.1/24",
    "0.0.0.0/0",
    "255.255.255.255/32",
    "2001:db8::/32",
    "::1",
    "::/0",
    "::ffff:192.0.2.0/120",
    "2001:db8:0:0:0:0:0:1/128",
  ])("finds none in %s", (text) => {
    expect(cidrTrouble(text)).toBeUndefined();
  });

  it.each([
    "",
    "/",
    "192.0.2.0/",
    "/24",
    "192.0.2.0/33",
    "192.0.2.0/-1",
    "192.0.2.0/24/8",
    "192.0.2.0/024x",
    "192.0.2/24",
    "192.0.2.256",
    "010.0.0.1",
    "0x7f.0.0.1",
    "2130706433",
    "2001:db8::/129",
    "2001:db8::g",
    "fe80::1%eth0",
    "localhost",
    " 192.0.2.0/24",
    `192.0.2.0/${"0".repeat(64)}`,
  ])("finds some in %j", (text) => {
    expect(cidrTrouble(text)).toMatch(/must be an IP address/);
  });
});

describe("isInRanges", () => {
  it.each([
    ["192.0.2.0/24", "192.0.2.255", true],
    ["192.0.2.0/24", "192.0.3.0", false],
    ["192.0.2.77/24", "192.0.2.1", true],
    ["192.0.2.1", "192.0.2.1", true],
    ["192.0.2.1", "192.0.2.2", false],
    ["192.0.2.0/24", "::ffff:192.0.2.9", true],
    ["192.0.2.0/24", "::FFFF:c000:209", true],
    ["::ffff:192.0.2.0/120", "192.0.2.9", true],
    ["::ffff:192.0.2.0/120", "192.0.3.9", false],
    ["2001:db8::/32", "2001:db8:ffff::1", true],
    ["2001:db8::/32", "2001:DB8::1", true],
    ["2001:db8::/32", "2001:db9::1", false],
    ["fe80::/10", "fe80::1%eth0", true],
    ["0.0.0.0/0", "203.0.113.5", true],
    ["0.0.0.0/0", "::1", false],
    ["::/0", "::1", true],
    ["::/0", "203.0.113.5", false],
    ["::/0", "::ffff:203.0.113.5", false],
  ])("%s holds %s: %s", (cidr, address, isHeld) => {
    expect(isInRanges([cidr], address)).toBe(isHeld);
  });

  it("is asked of all ranges", () => {
    expect(isInRanges(["192.0.2.0/24", "2001:db8::/32"], "2001:db8::1")).toBe(true);
    expect(isInRanges([], "192.0.2.1")).toBe(false);
  });

  it.each([undefined, "", "localhost", "192.0.2", "192.0.2.1:80", "192.0.2.1, 192.0.2.2", "[::1]"])(
    "What is not one address is in no range: %j.",
    (address) => {
      expect(isInRanges(["0.0.0.0/0", "::/0"], address)).toBe(false);
    },
  );

  it("agrees with arithmetic for every IPv4 address and length", () => {
    const dotted = (value: number) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join(".");
    const anyAddress = fc.integer({ min: 0, max: 2 ** 32 - 1 });
    fc.assert(
      fc.property(anyAddress, anyAddress, fc.integer({ min: 0, max: 32 }), (range, address, bits) => {
        const size = 2 ** (32 - bits);
        const isHeld = Math.floor(range / size) === Math.floor(address / size);
        expect(isInRanges([`${dotted(range)}/${bits}`], dotted(address))).toBe(isHeld);
        expect(isInRanges([`${dotted(range)}/${bits}`], `::ffff:${dotted(address)}`)).toBe(isHeld);
      }),
      { numRuns: propertyRuns() },
    );
  });

  it("never throws, whatever the texts", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (cidr, address) => {
        if (!isAddress(address)) expect(isInRanges([cidr], address)).toBe(false);
        cidrTrouble(cidr);
      }),
      { numRuns: propertyRuns() },
    );
  });
});
