import type { Target, Upstream } from "../types.ts";

/**
 * What the paths of files begin with that come from hosts no upstream has: `/.forward/http/host/…`.
 * No client may ask for one, so that none meets a path of its own there.
 */
const FORWARD_ROOT = "/.forward";

/** As it is in a canonical path: the brackets of an IPv6 address are escaped. */
const FORWARDED = /^\/\.forward\/(https?)\/((?:%5B[0-9a-f:.]+%5D|[a-z0-9._-]+)(?::\d{1,5})?)(?=\/)/;

/** Who asks the hosts of `forward.allow`: one for all of them. */
export const FORWARD_UPSTREAM: Upstream = {
  name: "(forward)",
  server: "http://forward.invalid",
  mapping: null,
  mount: null,
  files: [],
  auth: null,
  protocol: "http",
  tokenRealm: null,
  cachePrivate: false,
  checkers: [{ statusCodes: [200], headers: [] }],
  allowedRedirect: null,
  priorityGroups: [],
  headers: [],
  proxy: null,
  allowMethods: [],
};

/** Whether a canonical path is in the folder that is kept for forwarded files. */
export function isForwarded(path: string): boolean {
  return path === FORWARD_ROOT || path.startsWith(`${FORWARD_ROOT}/`);
}

/** What the path of a URL's file begins with: its scheme and host, and the port if it is unusual. */
export function forwardPrefix(url: URL): string {
  const host = url.host.replace("[", "%5B").replace("]", "%5D");
  return `${FORWARD_ROOT}/${url.protocol.slice(0, -1)}/${host}`;
}

/** The URL that a target in that folder stands for, as the client spelled it; null without one. */
export function forwardedUrl({ path, rawPath, query }: Target): string | null {
  const [prefix, scheme, host] = FORWARDED.exec(path) ?? [];
  if (prefix === undefined || scheme === undefined || host === undefined) return null;
  const rest = rawPath.startsWith(`${prefix}/`) ? rawPath : path;
  const authority = host.replace("%5B", "[").replace("%5D", "]");
  return `${scheme}://${authority}${rest.slice(prefix.length)}${query}`;
}
