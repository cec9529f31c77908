import { isAddressHost, isNearbyHost, isPublicAddress } from "./address_kind.ts";
import { matchesHost } from "./mounts.ts";

/** Why a URL may not be asked for. */
export type Unforwardable = "not-listed" | "address";

/**
 * Whether `forward.allow` lets clients reach a URL that no upstream has; null when it does. A
 * pattern without a port means the default one of the scheme. An address that is not of the public
 * network has to be listed itself: a pattern with `*` does not mean it.
 */
export function unforwardable(url: URL, allow: readonly string[]): Unforwardable | null {
  const listed = allow.filter((pattern) => isMeant(url, pattern));
  if (listed.length === 0) return "not-listed";
  if (isNearbyHost(url.hostname) || isAddressHost(url.hostname)) {
    return mayConnect(url.hostname, url, allow) ? null : "address";
  }
  return null;
}

/**
 * Whether a URL that may be asked for may be asked at an address that its name stands for.
 *
 * @param address As a resolver gives it.
 */
export function mayConnect(address: string, url: URL, allow: readonly string[]): boolean {
  if (isPublicAddress(address)) return true;
  const bare = address.replace(/^\[(.*)\]$/, "$1");
  const at = URL.parse(url.href);
  if (at === null) return false;
  // Assigned, so that it is in the one spelling that URLs have.
  at.hostname = bare.includes(":") ? `[${bare}]` : bare;
  return allow.some((pattern) => !pattern.includes("*") && isMeant(at, pattern));
}

function isMeant(url: URL, pattern: string): boolean {
  // `matchesHost` takes 80 and 443 for the same; here each is the other scheme's.
  const namesPort = /:\d+$/.test(pattern);
  const port = /:(\d+)$/.exec(pattern)?.[1] ?? "";
  const wanted = namesPort ? Number(port) : defaultPort(url);
  const actual = url.port === "" ? defaultPort(url) : Number(url.port);
  return wanted === actual && matchesHost(url, pattern);
}

function defaultPort({ protocol }: URL): number {
  return protocol === "https:" ? 443 : 80;
}
