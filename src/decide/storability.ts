import type { HeaderList, Instant } from "../types.ts";
import {
  deltaSeconds,
  type Directives,
  responseDirectives,
  targetedDirectives,
} from "./cache_control.ts";
import { dateField } from "./date_field.ts";
import { firstValue } from "./fields.ts";
import { freshnessLifetimeMs, isHeuristicallyCacheable } from "./freshness_lifetime.ts";
import { varyNames } from "./vary.ts";

/** A request and the head of its answer. */
export interface ExchangeFacts {
  readonly method: string;
  /** The client's, as far as the upstream's answer may depend on them. */
  readonly requestHeaders: HeaderList;
  readonly status: number;
  /** All fields of the answer, `Connection` and what it lists among them. */
  readonly headers: HeaderList;
  /** Whether `CDN-Cache-Control` is preferred. */
  readonly targeted: boolean;
  /** When the answer's head was there. */
  readonly now: Instant;
}

/** Why an answer is passed on and not stored. */
export type PassReason =
  /** Answers to other methods than GET. */
  | "method"
  /** Not final. */
  | "status"
  /** 206, and 304 without a copy that it would be about. */
  | "partial"
  /** `must-understand`, and the status is unknown. */
  | "must-understand"
  | "no-store"
  | "private"
  | "authorization"
  | "vary-star"
  /** Neither does the answer allow it nor does its status. */
  | "no-freshness"
  /** Allowed, but the copy would be stale at once and there is nothing to revalidate it by. */
  | "no-validator";

/** Whether an answer may be stored. */
export type Storability =
  | { readonly kind: "store" }
  | { readonly kind: "pass"; readonly reason: PassReason };

/**
 * The statuses whose rules for caches we know and keep: those of RFC 9110 section 15, partial ones
 * apart.
 */
const UNDERSTOOD: ReadonlySet<number> = new Set([
  ...[200, 201, 202, 203, 204, 205, 300, 301, 302, 303, 305, 307, 308],
  ...[400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417],
  ...[421, 422, 426, 500, 501, 502, 503, 504, 505],
]);

/**
 * Whether a shared cache may store an answer
 * ([RFC 9111 section 3](https://www.rfc-editor.org/rfc/rfc9111#section-3)), and whether it would be
 * of any use. `no-store` of the client is not looked at, `Set-Cookie` changes nothing (section 7.3).
 */
export function storability(facts: ExchangeFacts): Storability {
  const directives = responseDirectives(facts.headers, facts.targeted);
  const reason = prohibition(facts, directives) ?? uselessness(facts, directives);
  return reason === null ? { kind: "store" } : { kind: "pass", reason };
}

function prohibition(facts: ExchangeFacts, directives: Directives): PassReason | null {
  const { method, status, headers, requestHeaders } = facts;
  if (method !== "GET") return "method";
  if (status < 200 || status > 599) return "status";
  if (status === 206 || status === 304) return "partial";
  if (directives.has("must-understand")) {
    // Section 5.2.2.3: `no-store` beside it is for caches that do not understand.
    if (!UNDERSTOOD.has(status)) return "must-understand";
  } else if (directives.has("no-store")) {
    return "no-store";
  }
  // Section 5.2.2.7: the form that names fields counts like the bare one, as in most caches.
  if (directives.has("private")) return "private";
  if (firstValue(requestHeaders, "authorization") !== null && !allowsAuthorized(directives)) {
    return "authorization";
  }
  // Section 4.1: it would suit no request.
  if (varyNames(headers) === "*") return "vary-star";
  return isCacheable(facts, directives) ? null : "no-freshness";
}

/** Section 3.5. */
function allowsAuthorized(directives: Directives): boolean {
  return ["public", "must-revalidate", "s-maxage"].some((name) => directives.has(name));
}

/** The last condition of section 3. */
function isCacheable(facts: ExchangeFacts, directives: Directives): boolean {
  const { headers, status, targeted } = facts;
  if (["public", "max-age", "s-maxage"].some((name) => directives.has(name))) return true;
  if (isHeuristicallyCacheable(status)) return true;
  // RFC 9213 section 2.2: beside a targeted field `Expires` does not count.
  if (targeted && targetedDirectives(headers) !== null) return false;
  return firstValue(headers, "expires") !== null;
}

/** The RFC lets us store what we can never use; the disk has better uses. */
function uselessness(facts: ExchangeFacts, directives: Directives): PassReason | null {
  const { status, headers, targeted, now } = facts;
  const date = dateField(headers, "last-modified", now);
  const lastModified = typeof date === "number" ? date : null;
  if (lastModified !== null || (firstValue(headers, "etag") ?? "") !== "") return null;
  // Section 5.2.2.4: never used without a validation, which takes a validator.
  if (directives.has("no-cache")) return "no-validator";
  const stored = { status, headers, lastModified, validatedAt: now };
  if (freshnessLifetimeMs(stored, targeted) > 0) return null;
  const forStale = ["stale-while-revalidate", "stale-if-error"]
    .some((name) => (deltaSeconds(directives, name) ?? 0) > 0);
  return forStale ? null : "no-validator";
}
