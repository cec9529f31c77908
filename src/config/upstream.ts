import type { Checker, Upstream } from "../types.ts";
import type { ParsedChecker, ParsedUpstream } from "./schema.ts";

/** What is acceptable where the file does not say so. */
const DEFAULT_STATUS_CODES: readonly number[] = [200];

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
    allowMethods: [],
  };
}

/** An empty list means the default, too: without any condition a 404 would be stored. */
function toCheckers(parsed: ParsedChecker | ParsedChecker[]): readonly Checker[] {
  const list = Array.isArray(parsed) ? parsed : [parsed];
  if (list.length === 0) return [{ statusCodes: DEFAULT_STATUS_CODES, headers: [] }];
  return list.map((checker) => ({
    statusCodes: checker["status-codes"].length === 0
      ? DEFAULT_STATUS_CODES
      : checker["status-codes"],
    headers: checker.headers.map(({ name, match }) => ({ name: name.toLowerCase(), match })),
  }));
}
