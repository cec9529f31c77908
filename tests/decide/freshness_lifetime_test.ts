import { assertEquals } from "@std/assert";
import {
  freshnessLifetimeMs,
  isHeuristicallyCacheable,
  MAX_HEURISTIC_MS,
} from "../../src/decide/freshness_lifetime.ts";
import { formatHttpDate } from "../../src/decide/http_date.ts";
import type { Instant } from "../../src/types.ts";
import { NOON } from "../support/facts.ts";
import { fieldLines } from "../support/field_lines.ts";

const DAY_MS = 86_400_000;

interface Facts {
  readonly status?: number;
  readonly lastModified?: Instant | null;
  readonly targeted?: boolean;
}

/** In milliseconds. */
function lifetime(
  lines: string[],
  { status = 200, lastModified = null, targeted }: Facts = {},
): number {
  const stored = { status, headers: fieldLines(...lines), lastModified, validatedAt: NOON };
  return freshnessLifetimeMs(stored, targeted ?? false);
}

function expires(offsetSeconds: number): string {
  return `Expires: ${formatHttpDate(NOON + offsetSeconds * 1000)}`;
}

function date(offsetSeconds: number): string {
  return `Date: ${formatHttpDate(NOON + offsetSeconds * 1000)}`;
}

Deno.test("RFC 9111 5.2.2.10: s-maxage counts before max-age and Expires", () => {
  assertEquals(lifetime(["Cache-Control: max-age=3600, s-maxage=1", expires(50)]), 1000);
  assertEquals(lifetime(["Cache-Control: s-maxage=3600, max-age=1"]), 3_600_000);
  assertEquals(lifetime(["Cache-Control: max-age=1", "Cache-Control: s-maxage=3600"]), 3_600_000);
  assertEquals(lifetime(["Cache-Control: s-maxage=x, max-age=60"]), 0);
});

Deno.test("RFC 9111 5.2.2.1: max-age counts before Expires", () => {
  assertEquals(lifetime(["Cache-Control: max-age=3600", expires(-10_000)]), 3_600_000);
  assertEquals(lifetime(["Cache-Control: max-age=3600", "Expires: 0"]), 3_600_000);
  assertEquals(lifetime(["Cache-Control: max-age=0", expires(10_000)]), 0);
  assertEquals(lifetime(["Cache-Control: max-age=x", expires(10_000)]), 0);
});

Deno.test("RFC 9111 5.3: Expires counts from Date", () => {
  assertEquals(lifetime([expires(300), date(0)]), 300_000);
  assertEquals(lifetime([expires(300), date(-100)]), 400_000);
  assertEquals(lifetime([expires(300), date(400)]), 0);
  assertEquals(lifetime([expires(0), date(0)]), 0);
  assertEquals(lifetime([expires(-300), date(0)]), 0);
});

Deno.test("RFC 9111 4.2.1: without a valid Date Expires counts from when the response came", () => {
  assertEquals(lifetime([expires(300)]), 300_000);
  assertEquals(lifetime([expires(300), "Date: foo"]), 300_000);
});

Deno.test("RFC 9111 5.3: an Expires that is no date lies in the past", () => {
  const table = [
    "0",
    "-1",
    "",
    "never",
    "Thu, 18 Aug 2050 02:01:18 UTC",
    "Thu, 18 Aug 2050 02:01:18 CEST",
    "Thu, 18 Aug 50 02:01:18 GMT",
    "Thu 18 Aug 2050 02:01:18 GMT",
    "Thu, 18  Aug  2050 02:01:18 GMT",
    "Thu, 18-Aug-2050 02:01:18 GMT",
    "Thu, 18 Aug 2050 02.01.18 GMT",
    "Thu, 18 Aug 2050 2:01:18 GMT",
    "0, Thu, 18 Aug 2050 02:01:18 GMT",
    "2050-08-18T02:01:18Z",
  ];
  for (const text of table) {
    // Not even by a guess: an explicit time is there, only a bad one.
    const facts = { lastModified: NOON - 100 * DAY_MS };
    assertEquals(lifetime([`Expires: ${text}`, date(0)], facts), 0, text);
  }
});

Deno.test("RFC 9111 4.2: the case of Expires does not count", () => {
  const expected = Date.UTC(2050, 7, 18, 2, 1, 18) - NOON;
  for (
    const text of [
      "THU, 18 Aug 2050 02:01:18 GMT",
      "Thu, 18 AUG 2050 02:01:18 GMT",
      "Thu, 18 Aug 2050 02:01:18 gMT",
      "thu, 18 aug 2050 02:01:18 gmt",
      "THURSDAY, 18-AUG-50 02:01:18 GMT",
      "thu aug 18 02:01:18 2050",
    ]
  ) assertEquals(lifetime([`Expires: ${text}`, date(0)]), expected, text);
});

Deno.test("RFC 9111 4.2.1: of a repeated Expires the first one counts", () => {
  assertEquals(lifetime([expires(300), expires(5)]), 300_000);
  assertEquals(lifetime([expires(5), expires(300)]), 5000);
  assertEquals(lifetime([`${expires(5)}, ${formatHttpDate(NOON + 300_000)}`]), 5000);
  assertEquals(lifetime(["Expires: 0", expires(300)]), 0);
});

Deno.test("RFC 9213 2.2: beside CDN-Cache-Control neither Cache-Control nor Expires counts", () => {
  const target = "CDN-Cache-Control: max-age=600";
  const lines = [target, "Cache-Control: s-maxage=5, max-age=5", expires(7), date(0)];
  assertEquals(lifetime(lines, { targeted: true }), 600_000);
  assertEquals(lifetime(lines), 5000);
  assertEquals(lifetime(["CDN-Cache-Control: foo", expires(7)], { targeted: true }), 0);
  assertEquals(lifetime(["CDN-Cache-Control: &", expires(7)], { targeted: true }), 7000);
  assertEquals(lifetime(["CDN-Cache-Control:", expires(7)], { targeted: true }), 7000);
});

Deno.test("RFC 9111 4.2.2: the guess is a tenth of the file's age, at most a day", () => {
  const table: [modifiedMsAgo: number, lifetimeMs: number][] = [
    [0, 0],
    [-5000, 0],
    [5000, 500],
    [3_600_000, 360_000],
    [10 * DAY_MS, DAY_MS],
    [10 * DAY_MS + 1000, DAY_MS],
    [3650 * DAY_MS, DAY_MS],
  ];
  assertEquals(MAX_HEURISTIC_MS, DAY_MS);
  for (const [ago, lifetimeMs] of table) {
    assertEquals(lifetime([], { lastModified: NOON - ago }), lifetimeMs, `${ago}`);
  }
  assertEquals(lifetime([date(-100)], { lastModified: NOON - 200_000 }), 10_000);
  assertEquals(lifetime([]), 0);
});

Deno.test("RFC 9110 15.1: only certain statuses are guessed for", () => {
  const lastModified = NOON - DAY_MS;
  const known = [200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501];
  for (let status = 200; status < 600; status++) {
    assertEquals(isHeuristicallyCacheable(status), known.includes(status), `${status}`);
    const expected = known.includes(status) ? DAY_MS / 10 : 0;
    assertEquals(lifetime([], { status, lastModified }), expected, `${status}`);
  }
});

Deno.test("RFC 9111 5.2.2.9: public lets any status be guessed for", () => {
  const facts = { status: 599, lastModified: NOON - DAY_MS };
  assertEquals(lifetime(["Cache-Control: public"], facts), DAY_MS / 10);
  assertEquals(lifetime(["Cache-Control: private"], facts), 0);
});

Deno.test("RFC 9111 4.2.1: in all cases the first of the four rules that applies decides", () => {
  /** What a field or directive means; null: the rule does not apply. */
  type Choice = readonly [line: string | null, seconds: number | null];
  const shared: Choice[] = [[null, null], ["s-maxage=0", 0], ["s-maxage=30", 30], [
    "s-maxage=x",
    0,
  ]];
  const own: Choice[] = [[null, null], ["max-age=0", 0], ["max-age=20", 20], ["max-age", 0]];
  const ends: Choice[] = [[null, null], ["Expires: 0", -Infinity], [expires(-9), -9], [
    expires(9),
    9,
  ]];
  const dates: Choice[] = [[null, 0], [date(-4), -4], [date(4), 4], ["Date: 0", 0]];
  const modified = [null, NOON - 1000, NOON - 600_000, NOON + 600_000];
  for (const [sharedText, sharedSeconds] of shared) {
    for (const [ownText, ownSeconds] of own) {
      for (const [endLine, endSeconds] of ends) {
        for (const [dateLine, dateSeconds] of dates) {
          for (const lastModified of modified) {
            for (const status of [200, 302]) {
              for (const isPublic of [false, true]) {
                const members = [ownText, sharedText, isPublic ? "public" : null];
                const directives = members.filter((text) => text !== null).join();
                const lines = [`Cache-Control: ${directives}`, endLine, dateLine];
                const sentAt = NOON + (dateSeconds ?? 0) * 1000;
                const guess = lastModified === null || (status === 302 && !isPublic)
                  ? 0
                  : (sentAt - lastModified) / 10;
                const end = endSeconds === null ? null : NOON + endSeconds * 1000 - sentAt;
                const rules = [
                  sharedSeconds === null ? null : sharedSeconds * 1000,
                  ownSeconds === null ? null : ownSeconds * 1000,
                  end,
                  guess,
                ];
                const expected = Math.max(0, rules.find((rule) => rule !== null) ?? NaN);
                const present = lines.filter((line) => line !== null);
                const facts = { status, lastModified };
                assertEquals(Math.round(lifetime(present, facts)), expected, present.join());
              }
            }
          }
        }
      }
    }
  }
});
