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
  return readAddress(address)?.range() === "unicast";
}

/**
 * Whether a host, as `URL.hostname` has it, is an address of this machine or its own links, or a
 * name that always stands for one (RFC 6761 section 6.3).
 */
export function isNearbyHost(hostname: string): boolean {
  const name = hostname.toLowerCase().replace(/\.$/, "");
  if (name === "localhost" || name.endsWith(".localhost")) return true;
  const kind = readAddress(name)?.range();
  return kind !== undefined && NEARBY.has(kind);
}

/** Whether a host, as `URL.hostname` has it, is an address rather than a name. */
export function isAddressHost(hostname: string): boolean {
  return readAddress(hostname) !== null;
}
