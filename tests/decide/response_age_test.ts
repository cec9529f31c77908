import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { formatHttpDate } from "../../src/decide/http_date.ts";
import { currentAgeMs } from "../../src/decide/response_age.ts";
import { NOON } from "../support/facts.ts";
import { fieldLines } from "../support/field_lines.ts";

/** The age of what was asked for and came at noon, `afterMs` later. */
function ageOf(lines: string[], afterMs = 0, delayMs = 0): number {
  const stored = { headers: fieldLines(...lines), requestedAt: NOON - delayMs, validatedAt: NOON };
  return currentAgeMs(stored, NOON + afterMs);
}

function date(offsetSeconds: number): string {
  return `Date: ${formatHttpDate(NOON + offsetSeconds * 1000)}`;
}

Deno.test("RFC 9111 4.2.3: apparent_age is the response's time less its Date, at least 0", () => {
  assertEquals(ageOf([date(-90)]), 90_000);
  assertEquals(ageOf([date(0)]), 0);
  assertEquals(ageOf([date(90)]), 0);
});

Deno.test("RFC 9111 4.2.3: corrected_age_value is Age from when the request was sent", () => {
  assertEquals(ageOf(["Age: 30"], 0, 2500), 32_500);
  assertEquals(ageOf(["Age: 0"], 0, 2500), 2500);
  assertEquals(ageOf([], 0, 2500), 2500);
});

Deno.test("RFC 9111 4.2.3: the larger of both counts, and the time since is added", () => {
  assertEquals(ageOf([date(-90), "Age: 30"], 1, 2500), 90_001);
  assertEquals(ageOf([date(-20), "Age: 30"], 10_000, 2500), 42_500);
});

Deno.test("RFC 9110 6.6.1: a response without a valid Date is from when it came", () => {
  for (const line of ["Date: foo", "Date: 0", "Date:", "X: y"]) {
    assertEquals(ageOf([line], 7), 7, line);
  }
});

Deno.test("RFC 9111 4.2: the case of a Date does not count, its zone does", () => {
  const text = formatHttpDate(NOON - 5000);
  assertEquals(ageOf([`Date: ${text.toUpperCase()}`]), 5000);
  assertEquals(ageOf([`Date: ${text.toLowerCase()}`]), 5000);
  assertEquals(ageOf([`Date: ${text.replace("GMT", "UTC")}`]), 0);
  assertEquals(ageOf([`Date: ${text.replace("GMT", "EST")}`]), 0);
});

Deno.test("RFC 9111 4.2.1: of a repeated Date the first one counts", () => {
  assertEquals(ageOf([date(-90), date(-5)]), 90_000);
  assertEquals(ageOf([`${date(-90)}, ${formatHttpDate(NOON)}`]), 90_000);
  assertEquals(ageOf(["Date: Thu Jan 15 11:59:00 2026, Thu Jan 15 11:59:30 2026"]), 60_000);
  assertEquals(ageOf([`Date: x, ${formatHttpDate(NOON - 90_000)}`]), 0);
});

Deno.test("RFC 9111 5.1: of a list in Age the first member counts, what is no time is ignored", () => {
  const table: [lines: string[], ageMs: number][] = [
    [["Age: 7200"], 7_200_000],
    [["Age: 007"], 7000],
    [["Age:  7 "], 7000],
    [["Age: 7200,0"], 7_200_000],
    [["Age: 0,7200"], 0],
    [["Age: 7 , x"], 7000],
    [["Age: 7200", "Age: 0"], 7_200_000],
    [["Age: 0", "Age: 7200"], 0],
    [["Age: abc"], 0],
    [["Age: abc, 7"], 0],
    [["Age: -7200"], 0],
    [["Age: 7200.0"], 0],
    [["Age: 7 200"], 0],
    [['Age: "7"'], 0],
    [["Age:"], 0],
    [["Age: ,7"], 0],
    // Section 1.2.2.
    [["Age: 99999999999"], 2 ** 31 * 1000],
  ];
  for (const [lines, ageMs] of table) assertEquals(ageOf(lines), ageMs, lines.join());
});

Deno.test("a clock that was set back makes nothing younger", () => {
  assertEquals(ageOf(["Age: 30"], -60_000), 30_000);
  assertEquals(ageOf(["Age: 30"], 0, -60_000), 30_000);
});

Deno.test("RFC 9111 4.2.3: in all cases the age is the time since the earliest possible birth", () => {
  const dates: [line: string, at: number | null][] = [
    ["X: y", null],
    ["Date: nonsense", null],
    ...[-86_400, -61, -1, 0, 1, 86_400].map((offset) =>
      [date(offset), NOON + offset * 1000] as [string, number]
    ),
  ];
  const ages: [line: string, seconds: number][] = [
    ["X: y", 0],
    ["Age: nonsense", 0],
    ["Age: 0", 0],
    ["Age: 1", 1],
    ["Age: 60, 5", 60],
    ["Age: 100000", 100_000],
  ];
  for (const [dateLine, at] of dates) {
    for (const [ageLine, seconds] of ages) {
      for (const delayMs of [-5000, 0, 1, 2500, 90_000]) {
        for (const afterMs of [-90_000, -1, 0, 1, 59_999, 3_600_000]) {
          const sentAt = Math.min(NOON - delayMs, NOON);
          const birth = Math.min(at ?? NOON, NOON, sentAt - seconds * 1000);
          const expected = Math.max(NOON, NOON + afterMs) - birth;
          const label = [dateLine, ageLine, delayMs, afterMs].join();
          assertEquals(ageOf([dateLine, ageLine], afterMs, delayMs), expected, label);
        }
      }
    }
  }
});

Deno.test("whatever the fields say, an age is a number, not negative, and grows with the time", () => {
  const text = fc.oneof(fc.string(), fc.nat().map(String), fc.date().map((at) => at.toUTCString()));
  fc.assert(fc.property(text, text, fc.nat(), fc.nat(), (dateText, ageText, delay, after) => {
    const stored = {
      headers: [["date", dateText], ["age", ageText]] as const,
      requestedAt: NOON - delay,
      validatedAt: NOON,
    };
    const age = currentAgeMs(stored, NOON + after);
    assertEquals(age >= after, true);
    assertEquals(currentAgeMs(stored, NOON + after + 1), age + 1);
  }));
});
