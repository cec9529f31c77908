import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { parseDuration } from "../../src/config/duration.ts";

const RIGHT: readonly (readonly [text: string, milliseconds: number])[] = [
  ["0", 0],
  ["+0", 0],
  ["0s", 0],
  ["1h30m", 5_400_000],
  ["90s", 90_000],
  ["500ms", 500],
  ["1.5h", 5_400_000],
  ["1us", 0.001],
  ["1µs", 0.001],
  ["1μs", 0.001],
  ["3.9ns", 0.000003],
  [".5s", 500],
  ["1.s", 1000],
  ["+5s", 5000],
  ["0.1s", 100],
  ["1h1h", 7_200_000],
  ["7d", 604_800_000],
  ["1d12h", 129_600_000],
  ["0.5d", 43_200_000],
];

const WRONG: readonly (readonly [text: string, why: string])[] = [
  ["", "it is empty"],
  ["-5s", "it is negative"],
  ["+", "no number"],
  ["90", `missing unit after "90"`],
  ["1h30", `missing unit after "30"`],
  ["1..5s", `missing unit after "1."`],
  ["1x", `unknown unit "x"`],
  ["1 s", `unknown unit " s"`],
  ["1h 30m", `unknown unit "h "`],
  ["1H", `unknown unit "H"`],
  ["1w", `unknown unit "w"`],
  ["1e3s", `unknown unit "e"`],
  ["s", `no number before "s"`],
  [".s", `no number before ".s"`],
  [" 1s", `no number before " 1s"`],
  ["never", `no number before "never"`],
  ["2562047h47m16.854775808s", "it is over 292 years"],
];

Deno.test("durations in Go's spelling, and days, are milliseconds", () => {
  for (const [text, milliseconds] of RIGHT) assertEquals(parseDuration(text), milliseconds, text);
});

Deno.test("what is no duration is refused, and the message says why", () => {
  for (const [text, why] of WRONG) {
    const start = `Cannot parse duration ${JSON.stringify(text)}: ${why}, write for example`;
    assertThrows(() => parseDuration(text), Error, start);
  }
});

Deno.test("a duration is the sum of its parts", () => {
  const part = fc.record({
    count: fc.nat({ max: 1000 }),
    unit: fc.constantFrom<[string, number]>(
      ["ms", 1],
      ["s", 1000],
      ["m", 60_000],
      ["h", 3_600_000],
      ["d", 86_400_000],
    ),
  });
  fc.assert(fc.property(fc.array(part, { minLength: 1, maxLength: 6 }), (parts) => {
    const text = parts.map(({ count, unit }) => `${count}${unit[0]}`).join("");
    const sum = parts.reduce((total, { count, unit }) => total + count * unit[1], 0);
    assertEquals(parseDuration(text), sum);
  }));
});

Deno.test("any text gives a duration that is not negative, or the one error", () => {
  const text = fc.string({ unit: fc.constantFrom(..."0123456789.+-hmsdnuµ x") });
  fc.assert(fc.property(text, (text) => {
    try {
      return parseDuration(text) >= 0;
    } catch (error) {
      return error instanceof Error && error.message.startsWith("Cannot parse duration ");
    }
  }));
});
