import { MAX_TARGET_BYTES } from "../../decide/parse_target.ts";

/**
 * A prefix of keys, from a parameter that was percent-decoded: what keys hold escaped is escaped
 * again. null when it is none.
 */
export function prefixOf(text: string | null): string | null {
  if (text === null || !text.startsWith("/")) return null;
  const prefix = text.toWellFormed().replace(/[^\x21-\x7e]+/g, encodeURIComponent);
  return prefix.length > MAX_TARGET_BYTES ? null : prefix;
}

/** A number of a parameter, in decimal digits; null when it is none within the bounds. */
export function wholeNumber(text: string, minimum: number, maximum: number): number | null {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  return value >= minimum && value <= maximum ? value : null;
}
