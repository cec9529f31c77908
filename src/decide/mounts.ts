import type { Upstream } from "../types.ts";
import { fitsGlob } from "./fits_glob.ts";

/** A URL with neither credentials nor anything that a client would not send. */
const LINK = /^https?:$/;

/**
 * The path, with the query, under which clients of ours get what a mirror's absolute URL names: by
 * where an upstream's own files are mounted. `base`, in which the link was found, comes first, then
 * the upstreams that its `files` name for the host. null: no upstream of ours has it.
 *
 * http and https are one here: which of them a mirror is asked by is for its `server` to say.
 *
 * @param base null: no upstream in particular.
 */
export function clientPathOf(
  url: URL,
  upstreams: readonly Upstream[],
  base: Upstream | null,
): string | null {
  if (!LINK.test(url.protocol) || url.username !== "" || url.password !== "") return null;
  const own = base === null ? null : pathBelow(url, base);
  if (own !== null) return own;
  for (const { host, upstream: name } of base?.files ?? []) {
    if (!matchesHost(url, host)) continue;
    const upstream = upstreams.find((it) => it.name === name);
    if (upstream === undefined || upstream.mount === null) continue;
    // The host need not be the one that the mirror is asked at.
    return pathBelow(url, upstream) ?? upstream.mount + url.pathname + url.search;
  }
  for (const upstream of upstreams) {
    const path = pathBelow(url, upstream);
    if (path !== null) return path;
  }
  return null;
}

/** Whether a URL's host is one that a pattern means; one without a port means the usual ports. */
export function matchesHost(url: URL, pattern: string): boolean {
  const [, host = "", port = ""] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(pattern) ?? [];
  const wanted = port === "80" || port === "443" ? "" : port;
  return wanted === portOf(url) && fitsGlob(withoutDot(url.hostname), host.toLowerCase());
}

/** Parsed once: a document may have thousands of links. */
const roots = new WeakMap<Upstream, URL>();

function rootOf(upstream: Upstream): URL {
  const known = roots.get(upstream);
  if (known !== undefined) return known;
  const root = new URL(upstream.server);
  roots.set(upstream, root);
  return root;
}

function pathBelow(url: URL, upstream: Upstream): string | null {
  const { mapping, mount } = upstream;
  const root = rootOf(upstream);
  if (withoutDot(root.hostname) !== withoutDot(url.hostname)) return null;
  if (portOf(root) !== portOf(url)) return null;
  const prefix = root.pathname.replace(/\/$/, "");
  if (!url.pathname.startsWith(`${prefix}/`)) return null;
  const path = url.pathname.slice(prefix.length);
  if (mount !== null) return mount + path + url.search;
  // A mapping that leaves this path as it is can be read backwards.
  const isSame = mapping !== null && mapping.match.test(path) &&
    mapping.match.replaceAll(path, mapping.replace) === path;
  return isSame ? path + url.search : null;
}

function portOf({ port }: URL): string {
  return port === "80" || port === "443" ? "" : port;
}

/** `mirror.example.org.` is the same host. */
function withoutDot(host: string): string {
  return host.replace(/\.$/, "");
}
