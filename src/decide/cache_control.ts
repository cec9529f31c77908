import type { HeaderList } from "../types.ts";
import { firstValue } from "./fields.ts";
import { parseDictionary } from "./structured_dictionary.ts";

/** Directives by lower-case name; null for one without a value. */
export type Directives = ReadonlyMap<string, string | null>;

/** What every longer time counts as: RFC 9111 section 1.2.2. */
export const MAX_DELTA_SECONDS = 2 ** 31;

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const NAME = new RegExp(`^${TOKEN}`);
const ARGUMENT = new RegExp(String.raw`^=(?:(${TOKEN})|"((?:[^"\\]|\\.)*)")$`, "s");

/**
 * Reads all lines of a field with the syntax of `Cache-Control`
 * ([RFC 9111 section 5.2](https://www.rfc-editor.org/rfc/rfc9111#section-5.2)).
 *
 * Of a directive that comes several times the first one counts, as section 4.2.1 proposes. What
 * follows a directive's name and is no argument (`max-age: 5`, `max-age =5`) becomes its value as it
 * stands: a restriction that is badly written still restricts, and a badly written time is no time.
 *
 * @param field In lower case.
 */
export function parseDirectives(headers: HeaderList, field: string): Directives {
  const directives = new Map<string, string | null>();
  for (const [fieldName, line] of headers) {
    if (fieldName !== field) continue;
    for (const member of splitMembers(line)) {
      const name = NAME.exec(member)?.[0];
      if (name === undefined || directives.has(name.toLowerCase())) continue;
      directives.set(name.toLowerCase(), argumentOf(member.slice(name.length)));
    }
  }
  return directives;
}

/**
 * The directives that the cache obeys in a response.
 *
 * @param targeted Whether `CDN-Cache-Control` is preferred.
 */
export function responseDirectives(headers: HeaderList, targeted: boolean): Directives {
  return (targeted ? targetedDirectives(headers) : null) ??
    parseDirectives(headers, "cache-control");
}

/**
 * The directives of `CDN-Cache-Control`. null when there is none, it is empty or malformed
 * ([RFC 9213 section 2.1](https://www.rfc-editor.org/rfc/rfc9213#section-2.1)); else neither
 * `Cache-Control` nor `Expires` counts (section 2.2).
 *
 * Values stay as they are spelled, a String with its quotes: a time that is no Integer is no time.
 */
export function targetedDirectives(headers: HeaderList): Directives | null {
  const lines = headers.filter(([name]) => name === "cdn-cache-control").map(([, line]) => line);
  const directives = parseDictionary(lines.join(","));
  return directives === null || directives.size === 0 ? null : directives;
}

/** The directives of a client, for a cache that honours them. */
export function requestDirectives(headers: HeaderList): Directives {
  if (firstValue(headers, "cache-control") !== null) {
    return parseDirectives(headers, "cache-control");
  }
  // RFC 9111 section 5.4: what HTTP/1.0 clients say instead. In a response it means nothing.
  const pragma = parseDirectives(headers, "pragma");
  return pragma.has("no-cache") ? new Map([["no-cache", null]]) : new Map();
}

/**
 * The time that a directive gives, in whole seconds from 0 to {@linkcode MAX_DELTA_SECONDS}; null
 * when it is absent. A value that is no time counts as 0: RFC 9111 section 4.2.1 has such a response
 * be stale.
 */
export function deltaSeconds(directives: Directives, name: string): number | null {
  const value = directives.get(name);
  if (value === undefined) return null;
  return value === null ? 0 : parseDeltaSeconds(value) ?? 0;
}

/** RFC 9111 section 1.2.2; null for anything but digits. */
export function parseDeltaSeconds(text: string): number | null {
  return /^\d+$/.test(text) ? Math.min(Number(text), MAX_DELTA_SECONDS) : null;
}

function argumentOf(rest: string): string | null {
  if (rest === "") return null;
  const [, token, quoted] = ARGUMENT.exec(rest) ?? [];
  // RFC 9111 section 5.2: both forms are accepted, whatever the directive asks for.
  return token ?? quoted?.replace(/\\(.)/gs, "$1") ?? rest;
}

/**
 * The members of a list, trimmed. A quote opens a string only where an argument may start, and only
 * if it is closed: otherwise it could hide the directives behind it.
 */
function splitMembers(line: string): string[] {
  const members: string[] = [];
  let start = 0;
  let quotes = true;
  for (let at = 0; at < line.length; at++) {
    if (line[at] === ",") {
      members.push(line.slice(start, at).trim());
      start = at + 1;
    } else if (quotes && line[at] === '"' && line[at - 1] === "=") {
      const end = closingQuote(line, at);
      // Not looked for again, so that a line full of quotes takes no longer than another.
      if (end === null) quotes = false;
      else at = end;
    }
  }
  members.push(line.slice(start).trim());
  return members;
}

function closingQuote(line: string, open: number): number | null {
  for (let at = open + 1; at < line.length; at++) {
    if (line[at] === "\\") at++;
    else if (line[at] === '"') return at;
  }
  return null;
}
