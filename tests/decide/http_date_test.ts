import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { formatHttpDate, parseHttpDate } from "../../src/decide/http_date.ts";

const NOW = Date.UTC(2025, 5, 15, 12, 0, 0);
const EXAMPLE = Date.UTC(1994, 10, 6, 8, 49, 37);

Deno.test("all three forms of a date are read, and the calendar is kept", () => {
  const table: [text: string, expected: number | null][] = [
    ["Sun, 06 Nov 1994 08:49:37 GMT", EXAMPLE],
    ["Sunday, 06-Nov-94 08:49:37 GMT", EXAMPLE],
    ["Sun Nov  6 08:49:37 1994", EXAMPLE],
    ["Wed Nov 16 08:49:37 1994", Date.UTC(1994, 10, 16, 8, 49, 37)],
    // The weekday is a name, nothing more.
    ["Mon, 06 Nov 1994 08:49:37 GMT", EXAMPLE],
    ["Thu, 29 Feb 2024 00:00:00 GMT", Date.UTC(2024, 1, 29)],
    ["Sat, 31 Dec 2016 23:59:60 GMT", Date.UTC(2017, 0, 1)],
    ["Sat, 01 Jan 0050 00:00:00 GMT", Date.parse("0050-01-01T00:00:00Z")],
    ["Fri, 31 Dec 9999 23:59:59 GMT", Date.UTC(9999, 11, 31, 23, 59, 59)],
    ["Wed, 29 Feb 2023 00:00:00 GMT", null],
    ["Mon, 31 Apr 2023 00:00:00 GMT", null],
    ["Mon, 00 May 2023 00:00:00 GMT", null],
    ["Sun, 06 Nov 1994 24:00:00 GMT", null],
    ["Sun, 06 Nov 1994 08:60:00 GMT", null],
    ["Sun, 06 Nov 1994 08:49:60 GMT", null],
    ["Sun, 06 Nov 1994 23:59:61 GMT", null],
    ["sun, 06 nov 1994 08:49:37 gmt", null],
    ["Sun, 06 Nov 1994 08:49:37 UTC", null],
    ["Sun, 06 Nov 1994 08:49:37", null],
    ["Sun, 6 Nov 1994 08:49:37 GMT", null],
    ["Sun, 06 Nov 94 08:49:37 GMT", null],
    ["Sun, 06 Nov 1994 8:49:37 GMT", null],
    ["Sun, 06 Nov 1994 08:49:37 GMT ", null],
    ["Sun, 06 Nov 1994 08:49:37 GMT\n", null],
    ["Sun, 06-Nov-94 08:49:37 GMT", null],
    ["Sunday, 06-Nov-1994 08:49:37 GMT", null],
    ["Sun Nov 6 08:49:37 1994", null],
    ["Sun Nov  6 08:49:37 1994 GMT", null],
    ["1994-11-06T08:49:37Z", null],
    ["784111777", null],
    ["", null],
  ];
  for (const [text, expected] of table) assertEquals(parseHttpDate(text, NOW), expected, text);
});

Deno.test("a two-digit year is the latest one at most 50 years ahead", () => {
  const table: [text: string, now: number, year: number | null][] = [
    ["Sunday, 15-Jun-75 12:00:00 GMT", NOW, 2075],
    ["Sunday, 15-Jun-75 12:00:01 GMT", NOW, 1975],
    ["Sunday, 01-Jan-76 00:00:00 GMT", NOW, 1976],
    ["Sunday, 01-Jan-25 00:00:00 GMT", NOW, 2025],
    ["Sunday, 01-Jan-00 00:00:00 GMT", NOW, 2000],
    ["Sunday, 01-Jan-05 00:00:00 GMT", Date.UTC(1999, 0, 1), 2005],
    ["Sunday, 01-Jan-99 00:00:00 GMT", Date.UTC(2051, 0, 1), 2099],
    ["Sunday, 01-Jan-00 00:00:00 GMT", Date.UTC(2051, 0, 1), 2100],
    ["Sunday, 31-Feb-00 00:00:00 GMT", NOW, null],
  ];
  for (const [text, now, year] of table) {
    const instant = parseHttpDate(text, now);
    assertEquals(instant === null ? null : new Date(instant).getUTCFullYear(), year, text);
  }
});

Deno.test("dates are written as IMF-fixdate, to the second", () => {
  assertEquals(formatHttpDate(EXAMPLE), "Sun, 06 Nov 1994 08:49:37 GMT");
  assertEquals(formatHttpDate(EXAMPLE + 999), "Sun, 06 Nov 1994 08:49:37 GMT");
  assertEquals(formatHttpDate(0), "Thu, 01 Jan 1970 00:00:00 GMT");
});

Deno.test("what is written is read back", () => {
  const min = Date.parse("0000-01-01T00:00:00Z") / 1000;
  const max = Date.UTC(9999, 11, 31, 23, 59, 59) / 1000;
  fc.assert(fc.property(fc.integer({ min, max }), (seconds) => {
    assertEquals(parseHttpDate(formatHttpDate(seconds * 1000), NOW), seconds * 1000);
  }));
});
