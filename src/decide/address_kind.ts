import { readAddress } from "./address_list.ts";

/** What only this machine, its own links or nobody has: no mirror of the world is there. */
const NEARBY: ReadonlySet<string> = new Set([
  "loopback",
  "linkLocal",
  "unspecified",
  "multicast",
  "broadcast",
]);

/**
 * Whether an address is one that anybody in the world may have: not loopback, private, link-local,
 * multicast, unspecified, reserved, or IPv6 that wraps an IPv4 address (6to4, NAT64, Teredo). One
 * that cannot be read is none.
 */
export function isPublicAddress(address: string): boolean {
  const read = readAddress(address);
  if (read?.range() !== "unicast") return false;
  // What IANA has given away of IPv6 (RFC 4291 section 2.4) begins with these three bits.
  return !("parts" in read) || (read.parts[0] ?? 0) >> 13 === 1;
}

/**
 * Whether a host, as `URL.hostname` has it, is an address of this machine or its own links, or a
 * name that always stands for one (RFC 6761 section 6.3).
 */
export function isNearbyHost(hostname: string): boolean {
  const name = hostname.toLowerCase().replace(/\.$/, "");
  if (name === "localhost" || name.endsWith(".localhost")) return true;
  const read = readAddress(name);
  if (read === null) return false;
  // `::127.0.0.1`, an IPv4 address as it was once written (RFC 4291 section 2.5.5.1).
  const isOldIpv4 = "parts" in read && read.parts.slice(0, 6).every((part) => part === 0);
  return isOldIpv4 || NEARBY.has(read.range());
}

/** Whether a host, as `URL.hostname` has it, is an address rather than a name. */
export function isAddressHost(hostname: string): boolean {
  return readAddress(hostname) !== null;
}
