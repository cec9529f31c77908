import { showValue } from "./show_value.ts";

/** Nanoseconds, the resolution of Go's durations. */
const UNITS: ReadonlyMap<string, bigint> = new Map([
  ["ns", 1n],
  ["us", 1_000n],
  ["µs", 1_000n], // The micro sign, U+00B5.
  ["μs", 1_000n], // The Greek letter, U+03BC.
  ["ms", 1_000_000n],
  ["s", 1_000_000_000n],
  ["m", 60_000_000_000n],
  ["h", 3_600_000_000_000n],
  ["d", 86_400_000_000_000n],
]);

const NS_PER_MS = 1_000_000;

/** What Go's int64 holds, about 292 years. */
const MAX_DURATION_NS = 2n ** 63n - 1n;

/** One number with its unit, as far as it goes: each of the three parts may be missing. */
const PART = /^(\d*)(?:\.(\d*))?([^\d.]*)/;

/**
 * Milliseconds of a duration in Go's spelling (`1h30m`, `1.5h`, `500ms`) with the unit `d` for 24
 * hours besides. The result has a fraction when the duration has one.
 *
 * The rules are those of Go's time.ParseDuration: https://pkg.go.dev/time#ParseDuration
 *
 * @throws {Error} When the text is no duration, is negative or does not fit into Go's type.
 */
export function parseDuration(text: string): number {
  if (text === "") throw cannotParse(text, "it is empty");
  if (text.startsWith("-")) throw cannotParse(text, "it is negative");
  let rest = text.startsWith("+") ? text.slice(1) : text;
  if (rest === "0") return 0;
  if (rest === "") throw cannotParse(text, "no number");
  let totalNs = 0n;
  while (rest !== "") {
    const [part, whole = "", fraction = "", unit = ""] = PART.exec(rest) ?? [rest];
    if (whole + fraction === "") throw cannotParse(text, `no number before ${showValue(rest)}`);
    if (unit === "") throw cannotParse(text, `missing unit after "${part}"`);
    const unitNs = UNITS.get(unit);
    if (unitNs === undefined) throw cannotParse(text, `unknown unit ${showValue(unit)}`);
    totalNs += BigInt(whole) * unitNs +
      BigInt(fraction) * unitNs / 10n ** BigInt(fraction.length);
    rest = rest.slice(part.length);
  }
  if (totalNs > MAX_DURATION_NS) throw cannotParse(text, "it is over 292 years");
  return Number(totalNs) / NS_PER_MS;
}

function cannotParse(text: string, why: string): Error {
  const examples = `write for example "90s", "1h30m" or "7d"`;
  return new Error(`Cannot parse duration ${showValue(text)}: ${why}, ${examples}`);
}
