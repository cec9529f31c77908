import type { Instant } from "../types.ts";
import { parseHttpDate } from "./http_date.ts";

/** The precondition fields of a request as sent; null where there is none. */
export interface Preconditions {
  readonly ifMatch: string | null;
  readonly ifUnmodifiedSince: string | null;
  readonly ifNoneMatch: string | null;
  readonly ifModifiedSince: string | null;
}

/** What a body can be compared by. */
export interface Validators {
  readonly etag: string | null;
  readonly lastModified: Instant | null;
}

/** How the request goes on; `by` names the validator that decided. */
export type ConditionalOutcome =
  | { readonly kind: "proceed" }
  /** 304. */
  | { readonly kind: "not-modified"; readonly by: "etag" | "date" }
  /** 412. */
  | { readonly kind: "failed"; readonly by: "etag" | "date" };

/** `entity-tag` of RFC 9110 §8.8.3 and what separates it from the next one in a list. */
const LISTED_TAG = /[ \t,]*((?:W\/)?"[^\0-\x20"\x7f]*")[ \t]*(?=,|$)/gy;

/**
 * Evaluates the preconditions of a GET or HEAD for something that exists, in the order of
 * [RFC 9110 §13.2.2](https://www.rfc-editor.org/rfc/rfc9110#section-13.2.2). Range comes after it.
 *
 * @param now For dates with two-digit years.
 */
export function evaluateConditional(
  request: Preconditions,
  stored: Validators,
  now: Instant,
): ConditionalOutcome {
  if (request.ifMatch !== null) {
    if (!matches(request.ifMatch, stored.etag, "strong")) return { kind: "failed", by: "etag" };
  } else if (isModifiedSince(request.ifUnmodifiedSince, stored.lastModified, now) === true) {
    return { kind: "failed", by: "date" };
  }
  // §13.1.3: If-Modified-Since does not count beside If-None-Match, whatever that one says.
  if (request.ifNoneMatch !== null) {
    return matches(request.ifNoneMatch, stored.etag, "weak")
      ? { kind: "not-modified", by: "etag" }
      : { kind: "proceed" };
  }
  return isModifiedSince(request.ifModifiedSince, stored.lastModified, now) === false
    ? { kind: "not-modified", by: "date" }
    : { kind: "proceed" };
}

/** Whether `*` or one tag of the list fits. A list counts up to its first malformed element. */
function matches(field: string, etag: string | null, comparison: "strong" | "weak"): boolean {
  // §13.1.1, §13.1.2: `*` stands for anything that exists.
  if (field.trim() === "*") return true;
  if (etag === null) return false;
  return parseTags(field).some((tag) =>
    comparison === "weak"
      ? withoutWeakness(tag) === withoutWeakness(etag)
      // §8.8.3.2: strong comparison knows no weak tags.
      : tag === etag && !tag.startsWith("W/")
  );
}

function parseTags(field: string): string[] {
  return Array.from(field.matchAll(LISTED_TAG), ([, tag = ""]) => tag);
}

function withoutWeakness(tag: string): string {
  return tag.replace(/^W\//, "");
}

/** null when there is nothing to compare: no field, a malformed date, or no Last-Modified. */
function isModifiedSince(
  field: string | null,
  lastModified: Instant | null,
  now: Instant,
): boolean | null {
  const since = field === null ? null : parseHttpDate(field, now);
  if (since === null || lastModified === null) return null;
  return lastModified > since;
}
