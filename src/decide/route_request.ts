import type { Upstream } from "../types.ts";
import { unforwardable } from "./forward_allow.ts";
import { forwardPrefix, isForwarded } from "./forward_space.ts";
import { clientPathOf } from "./mounts.ts";
import { type ParsedTarget, parseTarget, type RefusedTarget } from "./parse_target.ts";
import type { Target } from "../types.ts";

/** A request's target as it arrived. */
export interface ArrivedTarget {
  /** As `parseTarget` takes it. */
  readonly url: string;
  /** Whether a path was sent, or a whole URL as a proxy is sent it (RFC 9112 section 3.2). */
  readonly form: "origin" | "absolute";
  /** The Host field; null when there is none. */
  readonly host: string | null;
  /** Where the connection came in; null: not known. */
  readonly local: { readonly hostname: string; readonly port: number } | null;
}

/** What may be reached through us. */
export interface Reach {
  readonly upstreams: readonly Upstream[];
  /** `forward.allow`. */
  readonly allow: readonly string[];
  /** Names of this server, as `URL.hostname` has them, at the port that a connection came in by. */
  readonly ownNames: ReadonlySet<string>;
  /** `listen.public-url`; null: none is given. */
  readonly publicUrl: string | null;
}

/** Where a request goes. */
export type Route =
  | {
    readonly kind: "target";
    readonly target: Target;
    /** `own`: asked of us. Else as of a proxy: for a mirror's file, or for a host that is allowed. */
    readonly via: "own" | "mirror" | "forward";
  }
  | { readonly kind: "refused"; readonly status: number; readonly reason: string };

/** A URL in pieces, as they were sent. */
interface SentUrl {
  readonly scheme: "http" | "https";
  readonly authority: string;
  readonly path: string;
  readonly query: string;
}

const URL_PARTS = /^(https?):\/\/([^/?#]*)/i;

/**
 * A host that may be asked by way of us: no userinfo, no escapes, no dot at its end. What is read in
 * two ways by two programs is refused.
 */
const STRICT_AUTHORITY =
  /^(?:\[[0-9a-f:.]+\]|[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*)(?::\d{1,5})?$/i;

/** How clients of apt-cacher-ng ask for TLS: `/HTTPS///host/path` of us … */
const TLS_PATH = /^\/https\/\/\/([^/]*)(.*)$/is;

/** … and `http://HTTPS///host/path` of us as of a proxy. */
const TLS_WORD = /^https$/i;
const BEHIND_TLS_WORD = /^\/\/\/([^/]*)(.*)$/s;

/** A host of this name is a URL inside a URL. */
const SCHEMES: ReadonlySet<string> = new Set(["http", "https", "ftp", "file"]);

/**
 * Where a request goes: to a path of ours, by itself or since a mirror of ours has the file that a
 * proxy is asked for, or to a host that `forward.allow` lists. Everything else is refused: nobody
 * reaches by way of us what the config does not name.
 */
export function routeRequest(arrived: ArrivedTarget, reach: Reach): Route {
  const { url, form, host } = arrived;
  const parsed = parseTarget(url, form === "origin" ? host : null);
  if (parsed.kind === "refused") return parsed;
  const { rawPath, query } = parsed.target;
  if (form === "origin") {
    const tls = TLS_PATH.exec(rawPath);
    return tls === null ? own(parsed) : routeTls(tls, query, arrived, reach);
  }
  const [, scheme = "", authority = ""] = URL_PARTS.exec(url) ?? [];
  const tls = TLS_WORD.test(authority) ? BEHIND_TLS_WORD.exec(rawPath) : null;
  if (tls !== null) return routeTls(tls, query, arrived, reach);
  const isHttps = scheme.toLowerCase() === "https";
  const sent = { scheme: isHttps ? "https" : "http", authority, path: rawPath, query } as const;
  return routeUrl(sent, host, arrived, reach);
}

function routeTls(
  [, authority = "", path = ""]: RegExpExecArray,
  query: string,
  arrived: ArrivedTarget,
  reach: Reach,
): Route {
  const sent = { scheme: "https", authority, path: path === "" ? "/" : path, query } as const;
  return routeUrl(sent, null, arrived, reach);
}

/** @param host The Host field where it has to be the URL's; null where it says nothing. */
function routeUrl(
  sent: SentUrl,
  host: string | null,
  { local }: ArrivedTarget,
  reach: Reach,
): Route {
  const { scheme, authority, path, query } = sent;
  const url = STRICT_AUTHORITY.test(authority)
    ? URL.parse(`${scheme}://${authority}${path}${query}`)
    : null;
  // The value is not repeated: it may hold a password.
  if (url === null || SCHEMES.has(url.hostname)) {
    return refused(400, "Cannot read host of request target");
  }
  if (isOwn(url, local, reach)) return own(parsePath(path + query));
  // Who asks for TLS does not get what came without.
  const mirrors = scheme === "http"
    ? reach.upstreams
    : reach.upstreams.filter(({ server }) => server.startsWith("https:"));
  const clientPath = clientPathOf(url, mirrors, null) ?? unreadablePath(url, path + query, mirrors);
  if (clientPath !== null) return via("mirror", parsePath(clientPath));
  const why = unforwardable(url, reach.allow);
  if (why !== null) return refused(403, refusalText(url, why));
  // RFC 9112 section 3.2.2 lets a proxy ignore the field; whoever sends two hosts is up to no good.
  if (host !== null && host !== "" && host.toLowerCase() !== authority.toLowerCase()) {
    return refused(400, "Cannot read request target: the Host field names another host");
  }
  const parsed = parsePath(forwardPrefix(url) + path + query);
  return parsed.kind === "refused" ? parsed : { ...parsed, via: "forward" };
}

/** Whether a URL is one of ours: by a name that we know, or by where the connection came in. */
function isOwn(
  url: URL,
  local: ArrivedTarget["local"],
  { ownNames, publicUrl }: Reach,
): boolean {
  if (publicUrl !== null && new URL(publicUrl).origin === url.origin) return true;
  const port = url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port);
  if (local?.port !== port) return false;
  const bare = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return local.hostname === bare || ownNames.has(url.hostname);
}

/**
 * The path as it was sent, where a mirror has the host and its mapping cannot be read backwards: then
 * clients use their own paths behind the mirror's host.
 */
function unreadablePath(url: URL, sent: string, mirrors: readonly Upstream[]): string | null {
  const isThere = mirrors.some(({ server, mount }) => {
    const root = new URL(server);
    return mount === null && root.hostname === url.hostname && isSamePort(root, url);
  });
  return isThere ? sent : null;
}

/** The usual ports of the two schemes are one. */
function isSamePort(one: URL, other: URL): boolean {
  const portOf = ({ port }: URL): string => port === "80" || port === "443" ? "" : port;
  return portOf(one) === portOf(other);
}

function parsePath(path: string): ParsedTarget {
  return parseTarget(`http://localhost${path}`, null);
}

function own(parsed: ParsedTarget): Route {
  return via("own", parsed);
}

function via(way: "own" | "mirror", parsed: ParsedTarget): Route {
  if (parsed.kind === "refused") return parsed;
  if (!isForwarded(parsed.target.path)) return { ...parsed, via: way };
  return refused(403, "Cannot serve paths below /.forward: ask for the URL as of a proxy");
}

function refusalText(url: URL, why: "not-listed" | "address"): string {
  return why === "not-listed"
    ? `Cannot serve host "${url.host}": no upstream is there, forward.allow does not list it, ` +
      "and it is no name of this server (listen.public-url)"
    : `Cannot serve host "${url.host}": an address that is not public has to be in forward.allow ` +
      "itself";
}

function refused(status: RefusedTarget["status"] | 403, reason: string): Route {
  return { kind: "refused", status, reason };
}
