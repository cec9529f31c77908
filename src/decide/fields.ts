import type { BodyHead, HeaderList } from "../types.ts";
import { formatHttpDate } from "./http_date.ts";

/**
 * End-to-end fields that are stored and served again as they came. Everything else stays behind:
 * hop-by-hop fields, cookies, and what describes the mirror's server rather than the file.
 * `Content-Length`, `Last-Modified` and `ETag` are kept apart.
 */
const STORED_FIELDS: ReadonlySet<string> = new Set([
  "cache-control",
  "content-disposition",
  "content-encoding",
  "content-language",
  "content-type",
  // By which clients of registries know what a tag stands for.
  "docker-content-digest",
  "expires",
]);

/** What is meant for the next hop alone: RFC 9110 sections 7.6.1 and 11.7, RFC 9111 section 3.1. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authentication-info",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** What an `Entry` holds apart, and what the answer to a client has of its own. */
const HELD_APART: ReadonlySet<string> = new Set([
  ...["content-length", "etag", "last-modified"],
  ...["accept-ranges", "x-cache"],
]);

/** What the request to an upstream has of its own. */
const OWN_OF_A_REQUEST: ReadonlySet<string> = new Set([
  "host",
  "content-length",
  "accept-encoding",
  "via",
  "expect",
]);

/** What a client's request keeps to itself, by reason. */
const NOT_FORWARDED: ReadonlySet<string> = new Set([
  ...OWN_OF_A_REQUEST,
  // What is fetched is whole, and is revalidated by the validators of our own copy.
  ...["range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range"],
  // The answer is for everybody.
  ...["authorization", "cookie", "cookie2"],
  // The fill is ours, not the client's: an `only-if-cached` that we ignore must not make an
  // upstream answer 504.
  ...["cache-control", "pragma"],
  // Upstreams build answers by them and do not say so in `Vary`: with one of these a client could
  // put its own version of a file before all others.
  ...["forwarded", "x-real-ip", "x-original-url", "x-rewrite-url"],
  ...["x-http-method", "x-http-method-override", "x-method-override"],
]);

/** The first value of a field, by its lower-case name; null when it is absent. */
export function firstValue(headers: HeaderList, name: string): string | null {
  return headers.find(([fieldName]) => fieldName === name)?.[1] ?? null;
}

/** The fields of an upstream's answer that are stored. */
export function storedFields(headers: HeaderList): HeaderList {
  return headers.filter(([name]) => STORED_FIELDS.has(name));
}

/**
 * The fields of an upstream's answer that are stored where its own directives count: all but those
 * for one hop (RFC 9111 section 3.1) and those that an `Entry` holds apart. `Age` and `Date` are
 * needed for the age of the copy.
 */
export function endToEndFields(headers: HeaderList): HeaderList {
  return beyondThisHop(headers).filter(([name]) => !HELD_APART.has(name));
}

/**
 * The fields of a client's request that upstreams get to see where their own directives count.
 * Nothing that concerns this client alone, since the answer is for all whose fields fit its `Vary`.
 */
export function forwardedRequestFields(headers: HeaderList): HeaderList {
  return beyondThisHop(headers).filter(([name]) =>
    !NOT_FORWARDED.has(name) && !name.startsWith("x-forwarded-")
  );
}

/** The fields of a request that is passed through: the client's own, credentials included. */
export function passedRequestFields(headers: HeaderList): HeaderList {
  return beyondThisHop(headers).filter(([name]) => !OWN_OF_A_REQUEST.has(name));
}

/** The fields of an answer that is passed through. */
export function passedResponseFields(headers: HeaderList): HeaderList {
  return beyondThisHop(headers);
}

/** RFC 9110 section 7.6.1: without `Connection`, what it lists, and its kin. */
function beyondThisHop(headers: HeaderList): HeaderList {
  const listed = new Set<string>();
  for (const [name, line] of headers) {
    if (name !== "connection") continue;
    for (const option of line.split(",")) listed.add(option.trim().toLowerCase());
  }
  return headers.filter(([name]) => !HOP_BY_HOP.has(name) && !listed.has(name));
}

/** What describes a representation to a client, the length apart. */
export function representationFields(
  described: Pick<BodyHead, "headers" | "etag" | "lastModified">,
): [string, string][] {
  const fields: [string, string][] = described.headers.map(([name, value]) => [name, value]);
  if (described.etag !== null) fields.push(["etag", described.etag]);
  if (described.lastModified !== null) {
    fields.push(["last-modified", formatHttpDate(described.lastModified)]);
  }
  return fields;
}
