import { isNearbyHost } from "../decide/address_kind.ts";
import { isAddressHost } from "../decide/address_kind.ts";
import { mayConnect, unforwardable } from "../decide/forward_allow.ts";
import { UpstreamError } from "../errors.ts";
import { networkDetail } from "./network_detail.ts";
import { type ResolveHost, resolveUntil } from "./resolve_host.ts";

/** Where a request really goes. */
export interface Destination {
  readonly url: string;
  /** What goes into the Host field; null: what the URL says. */
  readonly host: string | null;
}

/**
 * Where a request for a URL goes that only `forward.allow` lets clients reach. The name is resolved
 * and its addresses are checked; with plain HTTP the one that was checked is then connected to,
 * whatever the name stands for a moment later. With TLS the name is resolved once more for the
 * connection: a server that is reached by a changed name would have to have its certificate.
 *
 * @param resolve null: a proxy resolves names, and the rules for addresses are its own.
 * @throws {UpstreamError} `redirect` when it may not be asked, `network` when nobody has the name.
 */
export async function allowedDestination(
  href: string,
  allow: readonly string[],
  resolve: ResolveHost | null,
  signal: AbortSignal,
): Promise<Destination> {
  const url = new URL(href);
  if (unforwardable(url, allow) !== null) throw refused(`${url.host} is not in forward.allow`);
  if (resolve === null || isAddressHost(url.hostname)) return { url: href, host: null };
  const addresses = await resolveOrFail(resolve, url.hostname, signal);
  const [first] = addresses;
  // One bad address among good ones is how a rebinding begins.
  if (first === undefined || !addresses.every((address) => mayConnect(address, url, allow))) {
    throw refused(`${url.host} has an address that is not public and not in forward.allow`);
  }
  if (url.protocol === "https:") return { url: href, host: null };
  // Not the whole of it by way of `URL`: the spelling of the path is the client's.
  const authority = (first.includes(":") ? `[${first}]` : first) +
    (url.port === "" ? "" : `:${url.port}`);
  const rest = href.slice(href.indexOf("/", "http://".length));
  return { url: `http://${authority}${rest}`, host: url.host };
}

/**
 * Looks where a redirect to another host leads: a name that stands for this machine or its own links
 * is followed only from a mirror that is there itself.
 *
 * @throws {UpstreamError} `redirect`.
 */
export async function refuseNearby(
  href: string,
  server: string,
  resolve: ResolveHost,
  signal: AbortSignal,
): Promise<void> {
  const [target, own] = [new URL(href), new URL(server)];
  if (!await isNearby(target.hostname, resolve, signal)) return;
  if (await isNearby(own.hostname, resolve, signal)) return;
  throw refused(
    `redirect to ${target.origin} is not allowed: it leads to this machine or its links`,
  );
}

async function isNearby(
  hostname: string,
  resolve: ResolveHost,
  signal: AbortSignal,
): Promise<boolean> {
  if (isNearbyHost(hostname)) return true;
  if (isAddressHost(hostname)) return false;
  // A name that nobody has is not connected to either.
  const addresses = await resolveUntil(resolve, hostname, signal).catch(() => []);
  return addresses.some(isNearbyHost);
}

async function resolveOrFail(
  resolve: ResolveHost,
  hostname: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  try {
    return await resolveUntil(resolve, hostname, signal);
  } catch (error) {
    if (error instanceof UpstreamError) throw error;
    throw new UpstreamError({ kind: "network", detail: networkDetail(error) }, { cause: error });
  }
}

/** It speaks against what was asked for, not against the health of who was asked. */
function refused(detail: string): UpstreamError {
  return new UpstreamError({ kind: "redirect", detail });
}
