import type { HeaderList, Instant } from "../types.ts";
import { firstValue } from "./fields.ts";
import { parseHttpDate } from "./http_date.ts";

/** The date of a field as a cache reads it. */
export type DateField = Instant | "absent" | "invalid";

/**
 * Reads a field that holds a date, more kindly than a server must: in any case
 * ([RFC 9111 section 4.2](https://www.rfc-editor.org/rfc/rfc9111#section-4.2)), and of several dates
 * the first one (section 4.2.1), on lines of their own or joined with commas.
 *
 * @param now For dates with two-digit years.
 */
export function dateField(headers: HeaderList, name: string, now: Instant): DateField {
  const value = firstValue(headers, name);
  if (value === null) return "absent";
  const [first = "", second] = inOneCase(value).split(",", 2);
  // Two of the three forms have a comma behind the weekday, and the third has none.
  const whole = second === undefined ? null : parseHttpDate(`${first},${second}`.trim(), now);
  return whole ?? parseHttpDate(first.trim(), now) ?? "invalid";
}

/** Names of days and months with a capital, the zone in capitals. */
function inOneCase(date: string): string {
  return date.replace(
    /[A-Za-z]+/g,
    (word) =>
      word.toUpperCase() === "GMT"
        ? "GMT"
        : word.charAt(0).toUpperCase() + word.slice(1).toLowerCase(),
  );
}
