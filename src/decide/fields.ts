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
  "expires",
]);

/** The first value of a field, by its lower-case name; null when it is absent. */
export function firstValue(headers: HeaderList, name: string): string | null {
  return headers.find(([fieldName]) => fieldName === name)?.[1] ?? null;
}

/** The fields of an upstream's answer that are stored. */
export function storedFields(headers: HeaderList): HeaderList {
  return headers.filter(([name]) => STORED_FIELDS.has(name));
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
