import type { Instant } from "../types.ts";
import { parseHttpDate } from "./http_date.ts";

/** More ranges than this in one request are ignored, as RFC 9110 §14.2 allows. */
export const MAX_RANGES = 64;

/** §8.8.2.2: a date is a strong validator once it is this old. */
const STRONG_DATE_AGE_MS = 1000;

/** One range as asked for; positions and lengths in bytes, at most 2^53 - 1. */
export type RangeSpec =
  /** `first-last`, inclusive; `last` is null for `first-`. */
  | { readonly kind: "int"; readonly first: number; readonly last: number | null }
  /** `-length`: that many bytes at the end. */
  | { readonly kind: "suffix"; readonly length: number };

/** The ranges of one Range field, at least one. */
export type RangeRequest = readonly RangeSpec[];

/** Bytes `start` to `end`, inclusive. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** What a Range field means for a body of a known size. */
export type ResolvedRange =
  | { readonly kind: "whole" }
  /** At least one; together never longer than the body. */
  | { readonly kind: "ranges"; readonly ranges: readonly ByteRange[] }
  | { readonly kind: "unsatisfiable" };

/** Whether If-Range lets the Range field count. */
export type RangeCondition =
  | { readonly kind: "applies" }
  | {
    readonly kind: "ignored";
    readonly reason: "etag-weak" | "etag-differs" | "date-weak" | "date-differs" | "malformed";
  };

/**
 * Reads a Range field ([RFC 9110 §14.2](https://www.rfc-editor.org/rfc/rfc9110#section-14.2)).
 *
 * @returns null when there is nothing to heed: no field, another unit, bad syntax, too many ranges.
 */
export function parseRange(header: string | null): RangeRequest | null {
  const set = /^bytes=(.*)$/i.exec(header ?? "")?.[1];
  if (set === undefined) return null;
  const specs: RangeSpec[] = [];
  for (const element of set.split(",")) {
    const text = element.trim();
    // §5.6.1.2: empty list elements are skipped.
    if (text === "") continue;
    const spec = parseSpec(text);
    if (spec === null || specs.length === MAX_RANGES) return null;
    specs.push(spec);
  }
  return specs.length === 0 ? null : specs;
}

/** Turns what was asked for into bytes of a body of `size` bytes. */
export function resolveRange(specs: RangeRequest, size: number): ResolvedRange {
  // No 206 can describe an empty body, and clients that send Range with every request would take a
  // 416 for a failure.
  if (size === 0) return { kind: "whole" };
  const ranges: ByteRange[] = [];
  for (const spec of specs) {
    const range = resolveSpec(spec, size);
    if (range !== null) ranges.push(range);
  }
  if (ranges.length === 0) return { kind: "unsatisfiable" };
  const total = ranges.reduce((sum, { start, end }) => sum + end - start + 1, 0);
  // §14.2, §17.15: overlapping ranges must not make the answer larger than the body.
  return { kind: "ranges", ranges: total > size ? merge(ranges) : ranges };
}

/**
 * How many bytes of a body of unknown size must be there before the ranges can be answered; null
 * when only its end tells.
 */
export function neededBytes(specs: RangeRequest): number | null {
  const [spec] = specs;
  if (specs.length !== 1 || spec?.kind !== "int" || spec.last === null) return null;
  return spec.last + 1;
}

/**
 * Evaluates If-Range ([RFC 9110 §13.1.5](https://www.rfc-editor.org/rfc/rfc9110#section-13.1.5))
 * against the validators of the body that would be served.
 *
 * @param ifRange null when there is none; the Range field then counts.
 * @param now Time of the request: tells whether Last-Modified is old enough to be a strong
 * validator, and resolves two-digit years.
 */
export function rangeApplies(
  ifRange: string | null,
  etag: string | null,
  lastModified: Instant | null,
  now: Instant,
): RangeCondition {
  if (ifRange === null) return { kind: "applies" };
  if (/^W\/"/.test(ifRange)) return { kind: "ignored", reason: "etag-weak" };
  if (ifRange.startsWith('"')) {
    // Equal to a strong tag: the stored one is then strong too.
    return ifRange === etag ? { kind: "applies" } : { kind: "ignored", reason: "etag-differs" };
  }
  const date = parseHttpDate(ifRange, now);
  if (date === null) return { kind: "ignored", reason: "malformed" };
  if (date !== lastModified) return { kind: "ignored", reason: "date-differs" };
  if (now - date < STRONG_DATE_AGE_MS) return { kind: "ignored", reason: "date-weak" };
  return { kind: "applies" };
}

function parseSpec(text: string): RangeSpec | null {
  const [, first = "", last = ""] = /^(\d*)-(\d*)$/.exec(text) ?? [];
  if (first === "") return last === "" ? null : { kind: "suffix", length: toNumber(last) };
  if (last === "") return { kind: "int", first: toNumber(first), last: null };
  const spec = { kind: "int", first: toNumber(first), last: toNumber(last) } as const;
  // §14.1.1: a last position before the first one makes the whole field invalid.
  return spec.last < spec.first ? null : spec;
}

function toNumber(digits: string): number {
  return Math.min(Number(digits), Number.MAX_SAFE_INTEGER);
}

/** §14.1.2: null when not a single byte is there. */
function resolveSpec(spec: RangeSpec, size: number): ByteRange | null {
  const start = spec.kind === "int" ? spec.first : size - Math.min(spec.length, size);
  const last = spec.kind === "int" ? spec.last : null;
  if (start >= size) return null;
  return { start, end: Math.min(last ?? size - 1, size - 1) };
}

/** Ascending, without overlaps; neighbours become one. */
function merge(ranges: readonly ByteRange[]): ByteRange[] {
  const merged: ByteRange[] = [];
  for (const range of ranges.toSorted((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (last !== undefined && range.start <= last.end + 1) {
      merged[merged.length - 1] = { start: last.start, end: Math.max(last.end, range.end) };
    } else {
      merged.push(range);
    }
  }
  return merged;
}
