import type { Checker, Upstream } from "../types.ts";
import type { ParsedChecker, ParsedUpstream } from "./schema.ts";

/** What is acceptable where the file does not say so. */
const DEFAULT_STATUS_CODES: readonly number[] = [200];

/** Every upstream takes these. */
const CACHED_METHODS: readonly string[] = ["GET", "HEAD"];

/** An upstream as the layers below take it, from its entry in the file. */
export function toUpstream(parsed: ParsedUpstream, name: string): Upstream {
  const { match, replace } = parsed.path;
  return {
    name,
    server: parsed.server,
    mapping: match === null ? null : { match, replace },
    checkers: toCheckers(parsed.checkers),
    allowedRedirect: parsed["allowed-redirect"],
    priorityGroups: parsed["priority-groups"],
    headers: Object.entries(parsed.headers).map(([name, value]) => [name.toLowerCase(), value]),
    proxy: parsed.proxy === "" ? null : parsed.proxy,
    allowMethods: toOtherMethods(parsed["allow-methods"]),
  };
}

/** An empty list means the default, too: without any condition a 404 would be stored. */
function toCheckers(parsed: ParsedChecker | ParsedChecker[]): readonly Checker[] {
  const list = Array.isArray(parsed) ? parsed : [parsed];
  if (list.length === 0) return [{ statusCodes: DEFAULT_STATUS_CODES, headers: [] }];
  return list.map(({ "status-codes": codes, headers }) => ({
    statusCodes: codes !== "any" && codes.length === 0 ? DEFAULT_STATUS_CODES : codes,
    headers: headers.map(({ name, match }) => ({ name: name.toLowerCase(), match })),
  }));
}

/** Once each, in upper case, without those that the cache itself answers. */
function toOtherMethods(methods: readonly string[]): readonly string[] {
  const others = new Set(methods.map((method) => method.toUpperCase()));
  CACHED_METHODS.forEach((method) => others.delete(method));
  return [...others];
}
