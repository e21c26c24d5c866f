// Where a key works from: an address is in a range or it is not, however either of them is spelled; what is
// not an address is in none. Covers domain/grant/address.ts.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { areRangesWithin, cidrTrouble, isAddress, isInRanges } from "../../../src/domain/grant/address.ts";
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

describe("areRangesWithin", () => {
  it.each<[readonly string[], readonly string[], boolean]>([
    [["192.0.2.0/24"], ["192.0.2.0/24"], true],
    [["192.0.2.0/25"], ["192.0.2.0/24"], true],
    [["192.0.2.77/25"], ["192.0.2.200/24"], true],
    [["192.0.2.1"], ["192.0.2.0/24"], true],
    [["192.0.2.1"], ["192.0.2.1/32"], true],
    [["192.0.2.0/23"], ["192.0.2.0/24"], false],
    [["192.0.2.0/24"], ["192.0.2.1"], false],
    [["192.0.3.0/24"], ["192.0.2.0/24"], false],
    [["192.0.2.1", "198.51.100.1"], ["192.0.2.0/24"], false],
    [["192.0.2.1", "198.51.100.1"], ["192.0.2.0/24", "198.51.100.0/24"], true],
    [["0.0.0.0/0"], ["0.0.0.0/0"], true],
    [["0.0.0.0/0"], ["0.0.0.0/1"], false],
    [["2001:db8::/48"], ["2001:db8::/32"], true],
    [["2001:db8::/31"], ["2001:db8::/32"], false],
    [["::1"], ["::/0"], true],
    [["192.0.2.1"], ["::/0"], false],
    [["::/0"], ["0.0.0.0/0"], false],
    [["::ffff:192.0.2.1"], ["192.0.2.0/24"], true],
    [["192.0.2.1"], ["::ffff:192.0.2.0/120"], true],
    [["::ffff:192.0.2.1"], ["::/0"], false],
    [["192.0.2.1"], ["::ffff:0:0/95"], false],
    [[], ["192.0.2.0/24"], false],
    [[], [], false],
    [["192.0.2.1"], [], false],
    [["nowhere"], ["0.0.0.0/0", "::/0"], false],
    [["192.0.2.1"], ["nowhere"], false],
    [["192.0.2.1"], ["nowhere", "192.0.2.1"], true],
  ])("%j in %j: %s", (cidrs, wider, isWithin) => {
    expect(areRangesWithin(cidrs, wider)).toBe(isWithin);
  });

  // 192.0.2.0/27, or the same spelled as IPv6: small enough to ask for each address.
  const addresses = Array.from({ length: 32 }, (_, last) => `192.0.2.${last}`);
  const smallRange = fc
    .tuple(fc.nat(31), fc.integer({ min: 27, max: 32 }), fc.boolean())
    .map(([last, bits, isMapped]) =>
      isMapped ? `::ffff:192.0.2.${last}/${bits + 96}` : `192.0.2.${last}/${bits}`,
    );
  const held = (cidrs: readonly string[]) => addresses.filter((address) => isInRanges(cidrs, address));

  it("agrees with asking for each address, of one range in another", () => {
    fc.assert(
      fc.property(smallRange, smallRange, (cidr, outer) => {
        const wider = new Set(held([outer]));
        const isWithin = held([cidr]).every((address) => wider.has(address));
        expect(areRangesWithin([cidr], [outer])).toBe(isWithin);
      }),
      { numRuns: propertyRuns(500) },
    );
  });

  it("lets no address through that the wider ones do not hold, of however many ranges", () => {
    const ranges = fc.array(smallRange, { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(ranges, ranges, (cidrs, wider) => {
        const allowed = new Set(held(wider));
        if (areRangesWithin(cidrs, wider)) {
          expect(held(cidrs).filter((address) => !allowed.has(address))).toEqual([]);
        } else {
          // Refused for one of them: that is in none of the wider ones by itself.
          const isAlone = (cidr: string) => wider.every((outer) => !areRangesWithin([cidr], [outer]));
          expect(cidrs.some(isAlone)).toBe(true);
        }
      }),
      { numRuns: propertyRuns(500) },
    );
  });
});
