import type { Instant } from "../types.ts";

/** RFC 9110 §5.6.7: a two-digit year is never read as further in the future than this. */
const MAX_FUTURE_YEARS = 50;

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)";
const LONG_DAY = "(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day";
const MONTH = `(?<month>${MONTHS.join("|")})`;
const TIME = "(?<hour>\\d\\d):(?<minute>\\d\\d):(?<second>\\d\\d)";

const FORMS = [
  // IMF-fixdate: Sun, 06 Nov 1994 08:49:37 GMT
  new RegExp(`^${DAY}, (?<day>\\d\\d) ${MONTH} (?<year>\\d{4}) ${TIME} GMT$`),
  // rfc850-date: Sunday, 06-Nov-94 08:49:37 GMT
  new RegExp(`^${LONG_DAY}, (?<day>\\d\\d)-${MONTH}-(?<year>\\d\\d) ${TIME} GMT$`),
  // asctime-date: Sun Nov  6 08:49:37 1994
  new RegExp(`^${DAY} ${MONTH} (?<day>\\d\\d| \\d) ${TIME} (?<year>\\d{4})$`),
];

/** The numbers of a date; the month counts from 0. */
interface DateParts {
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

/**
 * Reads a date of an HTTP field in any of the three forms of
 * [RFC 9110 §5.6.7](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7). Syntax and calendar are
 * strict; that the weekday fits the date is not checked, since it decides nothing.
 *
 * @param now Resolves the two-digit years of the second form.
 * @returns Whole seconds in milliseconds; null for anything else.
 */
export function parseHttpDate(text: string, now: Instant): Instant | null {
  for (const form of FORMS) {
    const groups = form.exec(text)?.groups;
    if (groups === undefined) continue;
    const parts: DateParts = {
      month: MONTHS.indexOf(groups["month"] ?? ""),
      day: Number(groups["day"]),
      hour: Number(groups["hour"]),
      minute: Number(groups["minute"]),
      second: Number(groups["second"]),
    };
    const year = groups["year"] ?? "";
    return year.length === 2
      ? instantOfShortYear(Number(year), parts, now)
      : instantOf(Number(year), parts);
  }
  return null;
}

/**
 * Writes an instant as IMF-fixdate, the only form that may be sent (RFC 9110 §5.6.7). Parts of a
 * second are cut off.
 *
 * @param ms Within the years 0000 to 9999, all that the form can hold.
 */
export function formatHttpDate(ms: Instant): string {
  // ECMA-262 fixes the shape of toUTCString, and it is IMF-fixdate.
  return new Date(ms).toUTCString();
}

/** The latest year that ends in `shortYear` and is not too far in the future. */
function instantOfShortYear(shortYear: number, parts: DateParts, now: Instant): Instant | null {
  const limit = new Date(now);
  limit.setUTCFullYear(limit.getUTCFullYear() + MAX_FUTURE_YEARS);
  const century = Math.floor(limit.getUTCFullYear() / 100) * 100;
  for (const start of [century, century - 100]) {
    const instant = instantOf(start + shortYear, parts);
    if (instant !== null && instant <= limit.getTime()) return instant;
  }
  return null;
}

function instantOf(year: number, parts: DateParts): Instant | null {
  const { month, day, hour, minute, second } = parts;
  // A leap second is the only 60 that there is; it counts as the first second of the next day.
  const maxSecond = hour === 23 && minute === 59 ? 60 : 59;
  if (hour > 23 || minute > 59 || second > maxSecond) return null;
  // `Date.UTC` would take the years 0 to 99 for 1900 to 1999.
  const date = new Date(0);
  date.setUTCFullYear(year, month, day);
  // A day that the month does not have rolls over into another one.
  if (date.getUTCMonth() !== month) return null;
  return date.setUTCHours(hour, minute, second);
}
