import type { Checker, Upstream, UpstreamAuth } from "../types.ts";
import { compilePattern } from "./go_pattern.ts";
import type { ParsedChecker, ParsedUpstream } from "./schema.ts";

/** What is acceptable where the file does not say so. */
const DEFAULT_STATUS_CODES: readonly number[] = [200];

/** Every upstream takes these. */
const CACHED_METHODS: readonly string[] = ["GET", "HEAD"];

/** An upstream as the layers below take it, from its entry in the file. */
export function toUpstream(parsed: ParsedUpstream, name: string): Upstream {
  const mount = mountOf(parsed);
  return {
    name,
    server: parsed.server,
    mapping: toMapping(parsed, mount),
    mount,
    files: Object.entries(parsed.files).map(([host, upstream]) => ({ host, upstream })),
    auth: toAuth(parsed.auth),
    cachePrivate: parsed["cache-private"],
    protocol: parsed.protocol,
    tokenRealm: parsed["token-realm"],
    checkers: toCheckers(parsed.checkers),
    allowedRedirect: parsed["allowed-redirect"],
    priorityGroups: parsed["priority-groups"],
    headers: Object.entries(parsed.headers).map(([name, value]) => [name.toLowerCase(), value]),
    proxy: parsed.proxy === "" ? null : parsed.proxy,
    allowMethods: toOtherMethods(parsed["allow-methods"]),
  };
}

function mountOf({ at, path }: ParsedUpstream): string | null {
  return path.match === null ? at.replace(/\/$/, "") : null;
}

function toMapping({ path }: ParsedUpstream, mount: string | null): Upstream["mapping"] {
  if (path.match !== null) return { match: path.match, replace: path.replace };
  if (mount === null || mount === "") return null;
  const escaped = mount.replace(/[.+*?()]/g, "\\$&");
  return { match: compilePattern(`^${escaped}/(.*)$`), replace: "/$1" };
}

function toAuth(auth: ParsedUpstream["auth"]): UpstreamAuth | null {
  if (auth === undefined) return null;
  const { netrc, bearer, user, password } = auth;
  if (netrc !== undefined) return { kind: "netrc", path: netrc };
  if (bearer !== undefined) return { kind: "bearer", token: bearer };
  return { kind: "basic", user: user ?? "", password: password ?? "" };
}

/** An empty list means the default, too: without any condition a 404 would be stored. */
function toCheckers(parsed: ParsedChecker | ParsedChecker[]): readonly Checker[] {
  const list = Array.isArray(parsed) ? parsed : [parsed];
  if (list.length === 0) return [{ statusCodes: DEFAULT_STATUS_CODES, headers: [] }];
  return list.map(({ "status-codes": codes, headers }) => ({
    statusCodes: codes !== "any" && codes.length === 0 ? DEFAULT_STATUS_CODES : codes,
    headers: headers.map(({ name, match, "not-match": notMatch }) => (
      { name: name.toLowerCase(), match, notMatch }
    )),
  }));
}

/** Once each, in upper case, without those that the cache itself answers. */
function toOtherMethods(methods: readonly string[]): readonly string[] {
  const others = new Set(methods.map((method) => method.toUpperCase()));
  CACHED_METHODS.forEach((method) => others.delete(method));
  return [...others];
}
