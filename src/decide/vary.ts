import { createHash } from "node:crypto";
import type { ByDirectives, HeaderList, Key, Target } from "../types.ts";
import { forwardedRequestFields } from "./fields.ts";

/** Fields whose whole value is the same in any case: RFC 9110 sections 12.5.2 and 12.5.4. */
const CASE_INSENSITIVE: ReadonlySet<string> = new Set(["accept-charset", "accept-language"]);

/** What a field that is there and empty has for a value: no trimmed value looks like this. */
const EMPTY = " ";

/**
 * The request fields that an answer depends on, in lower case, sorted, each once; `*` when no later
 * request can be known to suit it (RFC 9111 section 4.1).
 */
export function varyNames(headers: HeaderList): readonly string[] | "*" {
  const names = new Set<string>();
  for (const [name, line] of headers) {
    if (name !== "vary") continue;
    for (const member of line.split(",")) names.add(member.trim().toLowerCase());
  }
  names.delete("");
  return names.has("*") ? "*" : [...names].sort();
}

/**
 * What a request has in the fields that select an answer, normalised, in the order of `names`; what
 * an `Entry` keeps as `vary`.
 *
 * Counted is what upstreams get to see: {@linkcode forwardedRequestFields}. They are asked for
 * identity whatever a client accepts, and never see its cookies, so that neither selects anything.
 * `Accept-Encoding`, which most answers name, is left out altogether: an answer that varies by
 * nothing else suits every request.
 *
 * A field that is missing has an empty value, one that is there and empty a space: section 4.1 tells
 * them apart.
 */
export function selectingFields(names: readonly string[], requestHeaders: HeaderList): HeaderList {
  const seen = forwardedRequestFields(requestHeaders);
  return names.filter((name) => name !== "accept-encoding").map((name) => {
    const lines = seen.filter(([fieldName]) => fieldName === name).map(([, line]) => line);
    return [name, lines.length === 0 ? "" : normalised(name, lines)];
  });
}

/** What an upstream gets to see of the client's request. */
export function questionFields(
  { accept }: Pick<Target, "accept">,
  byDirectives: ByDirectives | null,
): HeaderList {
  if (byDirectives !== null) return forwardedRequestFields(byDirectives.request);
  return selectedFields(accept);
}

/** What an `Entry` keeps as `vary` of a form that was selected before anybody was asked. */
export function selectedFields(accept: string | undefined): HeaderList {
  return accept === undefined ? [] : [["accept", accept]];
}

/** Whether a request selects the answer that is stored with these fields. */
export function matchesVary(vary: HeaderList, requestHeaders: HeaderList): boolean {
  const presented = selectingFields(vary.map(([name]) => name), requestHeaders);
  return presented.length === vary.length &&
    vary.every(([, value], index) => value === presented[index]?.[1]);
}

/**
 * The key of one of several answers for a key. It holds a line feed, which no key of a client does,
 * so it can be asked for by nobody; without selecting fields it is the key itself.
 */
export function variantKey(key: Key, vary: HeaderList): Key {
  if (vary.length === 0) return key;
  const hash = createHash("sha256").update(JSON.stringify(vary)).digest("hex");
  return variantKeyPrefix(key) + hash;
}

/** What the keys of all variants of a key begin with, and no other key does. */
export function variantKeyPrefix(key: Key): string {
  return `${key}\n`;
}

/** Changes nothing but what section 4.1 calls the same: whitespace, several lines, case. */
function normalised(name: string, lines: readonly string[]): string {
  const joined = lines.map((line) => line.trim()).join(", ").trim();
  // Between quotes whitespace belongs to the value.
  const spaced = joined.includes('"')
    ? joined
    : joined.split(",").map((member) => member.trim()).join(", ").trim();
  if (spaced === "") return EMPTY;
  return CASE_INSENSITIVE.has(name) ? spaced.toLowerCase() : spaced;
}
