import ipaddr from "ipaddr.js";

/** An address with the bits of it that count. */
type Range = readonly [ipaddr.IPv4 | ipaddr.IPv6, number];

/** Tells whether an IP address is one of a list. */
export type AddressList = (address: string) => boolean;

/**
 * The list that `127.0.0.1`, `10.0.0.0/8`, `::1` and `fd00::/8` stand for. An IPv4 address that
 * comes as an IPv6 one (`::ffff:10.0.0.1`, as a listener on `::` sees it) is looked for as what it
 * is. What is no address is in no list.
 *
 * @throws {Error} When an entry is neither an address nor a range.
 */
export function addressList(entries: readonly string[]): AddressList {
  const ranges = entries.map(rangeOf);
  return (address) => {
    const parsed = readAddress(address);
    return parsed !== null && ranges.some((range) => contains(range, parsed));
  };
}

/** Whether {@linkcode addressList} takes an entry. */
export function isAddressRange(entry: string): boolean {
  try {
    rangeOf(entry);
    return true;
  } catch {
    return false;
  }
}

/**
 * An address as text in its one spelling, IPv4 in four decimal parts, without a zone; null when it
 * is none. `010.1`, which some read as 8.0.0.1, is none.
 */
export function plainAddress(text: string): string | null {
  return readAddress(text)?.toString() ?? null;
}

/** Strict: spellings of IPv4 in fewer parts, octal or hexadecimal are refused. */
export function readAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | null {
  const bare = text.replace(/^\[(.*)\]$/, "$1").replace(/%.*$/, "");
  if (!ipaddr.IPv4.isValidFourPartDecimal(bare) && !ipaddr.IPv6.isValid(bare)) return null;
  return ipaddr.process(bare);
}

function rangeOf(entry: string): Range {
  if (entry.includes("/")) {
    const [base = "", bits = ""] = entry.split("/");
    const address = readAddress(base);
    const isRead = address !== null && /^\d{1,3}$/.test(bits) && ipaddr.isValidCIDR(entry);
    if (!isRead) throw new Error(`Cannot read address range "${entry}"`);
    // What `process` makes of a mapped range's address is shorter than the range says.
    const parsed = ipaddr.parseCIDR(entry);
    return address.kind() === parsed[0].kind() ? parsed : [address, Number(bits) - 96];
  }
  const address = readAddress(entry);
  if (address === null) throw new Error(`Cannot read address "${entry}"`);
  return [address, address.kind() === "ipv4" ? 32 : 128];
}

function contains([base, bits]: Range, address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  if (base.kind() !== address.kind()) return false;
  return address.match(base as ipaddr.IPv4, Math.max(bits, 0));
}
