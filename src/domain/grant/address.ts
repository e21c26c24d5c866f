// Where a key may be used from: ranges of IPv4 and IPv6 addresses. IPv4 written as IPv6 (::ffff:192.0.2.1) is
// IPv4, in ranges and in addresses alike, since a client does not choose how its peer spells it.
import { isIP } from "node:net";
import ipaddr, { type IPv4, type IPv6 } from "ipaddr.js";

/** A key has at most so many ranges. */
export const CIDRS_MAX = 64;
/** No range has a longer text. */
const CIDR_LENGTH_MAX = 64;
/** How many bits of an IPv6 address say that the rest is an IPv4 one (RFC 4291, section 2.5.5.2). */
const MAPPED_PREFIX_BITS = 96;

/** An address and how many of its first bits count. */
type Range = readonly [IPv4 | IPv6, number];

/**
 * Why a text is not a range such as `192.0.2.0/24` or `2001:db8::/32`, or a single address; undefined when it
 * is.
 */
export function cidrTrouble(text: string): string | undefined {
  return rangeOf(text) === undefined ? "must be an IP address or a range such as 192.0.2.0/24" : undefined;
}

/** Whether a text is an address of a client. */
export function isAddress(text: string): boolean {
  return isIP(text) !== 0;
}

/**
 * Whether one of the ranges holds the address. A key without ranges is not asked; an absent address is in
 * none.
 */
export function isInRanges(cidrs: readonly string[], address: string | undefined): boolean {
  if (address === undefined || !isAddress(address)) return false;
  const client = ipaddr.process(address);
  return cidrs.some((cidr) => {
    const range = rangeOf(cidr);
    return range !== undefined && range[0].kind() === client.kind() && client.match(range[0], range[1]);
  });
}

/**
 * Whether each of the ranges lies within one of the wider ones. No ranges at all are all addresses, and do
 * not.
 */
export function areRangesWithin(cidrs: readonly string[], wider: readonly string[]): boolean {
  return cidrs.length > 0 && cidrs.every((cidr) => wider.some((outer) => isRangeWithin(cidr, outer)));
}

function isRangeWithin(cidr: string, outer: string): boolean {
  const [inside, around] = [rangeOf(cidr), rangeOf(outer)];
  if (inside === undefined || around === undefined || inside[0].kind() !== around[0].kind()) return false;
  return inside[1] >= around[1] && inside[0].match(around[0], around[1]);
}

function rangeOf(text: string): Range | undefined {
  const [host = "", bits, ...rest] = text.split("/");
  // The library also reads octal and shortened forms, which others read differently: only what node takes is
  // taken.
  if (text.length > CIDR_LENGTH_MAX || rest.length > 0 || !isAddress(host) || host.includes("%"))
    return undefined;
  const address = ipaddr.parse(host);
  const length = address.kind() === "ipv4" ? 32 : 128;
  if (bits !== undefined && (!/^\d{1,3}$/.test(bits) || Number(bits) > length)) return undefined;
  const counted = bits === undefined ? length : Number(bits);
  if (!isMapped(address) || counted < MAPPED_PREFIX_BITS) return [address, counted];
  return [address.toIPv4Address(), counted - MAPPED_PREFIX_BITS];
}

function isMapped(address: IPv4 | IPv6): address is IPv6 {
  return address.kind() === "ipv6" && (address as IPv6).isIPv4MappedAddress();
}
