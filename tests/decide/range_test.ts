import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  type ByteRange,
  MAX_RANGES,
  neededBytes,
  parseRange,
  rangeApplies,
  type RangeSpec,
  resolveRange,
} from "../../src/decide/range.ts";

const MAX = Number.MAX_SAFE_INTEGER;

function int(first: number, last: number | null): RangeSpec {
  return { kind: "int", first, last };
}

function suffix(length: number): RangeSpec {
  return { kind: "suffix", length };
}

Deno.test("a Range field is read, and ignored when it is not understood", () => {
  const table: [header: string | null, expected: readonly RangeSpec[] | null][] = [
    ["bytes=0-499", [int(0, 499)]],
    ["bytes=500-", [int(500, null)]],
    ["bytes=-500", [suffix(500)]],
    ["bytes=-0", [suffix(0)]],
    ["bytes=7-7", [int(7, 7)]],
    ["BYTES=0-0", [int(0, 0)]],
    ["bytes=0-0,-1", [int(0, 0), suffix(1)]],
    ["bytes= 0-0 ,\t5- , ,,-1 ", [int(0, 0), int(5, null), suffix(1)]],
    ["bytes=007-010", [int(7, 10)]],
    ["bytes=0-99999999999999999999", [int(0, MAX)]],
    ["bytes=99999999999999999999-", [int(MAX, null)]],
    ["bytes=-" + "9".repeat(400), [suffix(MAX)]],
    [null, null],
    ["", null],
    ["bytes", null],
    ["bytes=", null],
    ["bytes=,", null],
    ["bytes=-", null],
    ["bytes=5-4", null],
    ["bytes=0-0,5-4", null],
    ["bytes=a-b", null],
    ["bytes=0-0x1", null],
    ["bytes=+1-2", null],
    ["bytes=1 - 2", null],
    ["bytes=1--2", null],
    ["bytes=1", null],
    ["bytes=0-0;1-1", null],
    ["bytes =0-0", null],
    ["items=0-5", null],
    ["0-5", null],
  ];
  for (const [header, expected] of table) assertEquals(parseRange(header), expected, `${header}`);
});

Deno.test("more ranges than the bound are ignored", () => {
  const ranges = (count: number) => "bytes=" + Array(count).fill("0-0").join(",");
  assertEquals(parseRange(ranges(MAX_RANGES))?.length, MAX_RANGES);
  assertEquals(parseRange(ranges(MAX_RANGES + 1)), null);
});

Deno.test("ranges are resolved against the size", () => {
  const ranges = (...pairs: [number, number][]) => ({
    kind: "ranges" as const,
    ranges: pairs.map(([start, end]) => ({ start, end })),
  });
  const table: [header: string, size: number, expected: ReturnType<typeof resolveRange>][] = [
    ["bytes=0-499", 1000, ranges([0, 499])],
    ["bytes=0-", 1000, ranges([0, 999])],
    ["bytes=900-2000", 1000, ranges([900, 999])],
    ["bytes=-1", 1000, ranges([999, 999])],
    ["bytes=-2000", 1000, ranges([0, 999])],
    ["bytes=999-", 1000, ranges([999, 999])],
    ["bytes=1000-", 1000, { kind: "unsatisfiable" }],
    ["bytes=-0", 1000, { kind: "unsatisfiable" }],
    ["bytes=1000-,-0", 1000, { kind: "unsatisfiable" }],
    ["bytes=1000-,5-6", 1000, ranges([5, 6])],
    ["bytes=0-", 0, { kind: "whole" }],
    ["bytes=-5", 0, { kind: "whole" }],
    // Order is kept, small overlaps too.
    ["bytes=500-600,0-10", 1000, ranges([500, 600], [0, 10])],
    ["bytes=0-10,5-20", 1000, ranges([0, 10], [5, 20])],
    // Together more than there is.
    ["bytes=0-,0-,0-", 1000, ranges([0, 999])],
    ["bytes=600-,0-499,0-499", 1000, ranges([0, 499], [600, 999])],
    ["bytes=500-,0-499,0-0", 1000, ranges([0, 999])],
  ];
  for (const [header, size, expected] of table) {
    assertEquals(resolveRange(parseRange(header) ?? [], size), expected, `${header} of ${size}`);
  }
});

/** The positions that one range selects, found by trying each. */
function selected(spec: RangeSpec, size: number): number[] {
  return [...Array(size).keys()].filter((position) =>
    spec.kind === "suffix"
      ? position >= size - spec.length
      : position >= spec.first && (spec.last === null || position <= spec.last)
  );
}

function positions({ start, end }: ByteRange): number[] {
  return Array.from({ length: end - start + 1 }, (_, index) => start + index);
}

function checkAgainstModel(specs: readonly RangeSpec[], size: number): void {
  const model = specs.map((spec) => selected(spec, size)).filter((list) => list.length > 0);
  const resolved = resolveRange(specs, size);
  const note = `${JSON.stringify(specs)} of ${size}`;
  if (model.length === 0) return assertEquals(resolved, { kind: "unsatisfiable" }, note);
  assert(resolved.kind === "ranges", note);
  const actual = resolved.ranges.map(positions);
  if (model.flat().length <= size) return assertEquals(actual, model, note);
  // Merged: each position once, ascending, with a gap between any two ranges.
  assertEquals(actual.flat(), [...new Set(model.flat())].sort((a, b) => a - b), note);
  actual.slice(1).forEach((list, index) => {
    assert((list[0] ?? 0) > (actual[index]?.at(-1) ?? 0) + 1, note);
  });
}

Deno.test("every one or two ranges of small bodies select the bytes of the naive model", () => {
  for (let size = 1; size <= 5; size++) {
    const specs: RangeSpec[] = [];
    for (let first = 0; first <= size + 1; first++) {
      specs.push(suffix(first), int(first, null));
      for (let last = first; last <= size + 1; last++) specs.push(int(first, last));
    }
    for (const one of specs) {
      checkAgainstModel([one], size);
      for (const other of specs) checkAgainstModel([one, other], size);
    }
  }
});

Deno.test("many ranges select the bytes of the naive model", () => {
  const position = fc.nat({ max: 40 });
  const spec = fc.oneof(
    fc.tuple(position, position).map(([a, b]) => int(Math.min(a, b), Math.max(a, b))),
    position.map((first) => int(first, null)),
    position.map(suffix),
  );
  const specs = fc.array(spec, { minLength: 1, maxLength: 8 });
  fc.assert(fc.property(specs, fc.integer({ min: 1, max: 40 }), checkAgainstModel));
});

Deno.test("a printed range is read back", () => {
  const number = fc.maxSafeNat();
  const spec = fc.oneof(
    fc.tuple(number, number).map(([a, b]) => int(Math.min(a, b), Math.max(a, b))),
    number.map((first) => int(first, null)),
    number.map(suffix),
  );
  fc.assert(fc.property(fc.array(spec, { minLength: 1, maxLength: MAX_RANGES }), (specs) => {
    const texts = specs.map((spec) =>
      spec.kind === "suffix" ? `-${spec.length}` : `${spec.first}-${spec.last ?? ""}`
    );
    assertEquals(parseRange(`bytes=${texts.join(", ")}`), specs);
  }));
});

Deno.test("only one closed range can be answered before the end is known", () => {
  const table: [header: string, expected: number | null][] = [
    ["bytes=0-0", 1],
    ["bytes=10-99", 100],
    ["bytes=10-", null],
    ["bytes=-5", null],
    ["bytes=0-0,2-3", null],
  ];
  for (const [header, expected] of table) {
    assertEquals(neededBytes(parseRange(header) ?? []), expected, header);
  }
});

Deno.test("If-Range takes strong validators that are equal, and no others", () => {
  const modified = Date.UTC(1994, 10, 6, 8, 49, 37);
  const date = "Sun, 06 Nov 1994 08:49:37 GMT";
  const later = modified + 60_000;
  const table: [
    ifRange: string | null,
    etag: string | null,
    lastModified: number | null,
    now: number,
    expected: string,
  ][] = [
    [null, null, null, later, "applies"],
    ['"a"', '"a"', null, later, "applies"],
    ['"a"', '"b"', modified, later, "etag-differs"],
    ['"a"', 'W/"a"', null, later, "etag-differs"],
    ['"a"', null, modified, later, "etag-differs"],
    ['W/"a"', 'W/"a"', null, later, "etag-weak"],
    ['W/"a"', '"a"', null, later, "etag-weak"],
    ['"a", "b"', '"a"', null, later, "etag-differs"],
    [date, '"a"', modified, later, "applies"],
    [date, null, modified, modified + 1000, "applies"],
    [date, null, modified, modified + 999, "date-weak"],
    [date, null, modified - 1000, later, "date-differs"],
    [date, null, modified + 1000, later, "date-differs"],
    [date, '"a"', null, later, "date-differs"],
    ["Sunday, 06-Nov-94 08:49:37 GMT", null, modified, later, "applies"],
    ["a", "a", modified, later, "malformed"],
    ["*", '"a"', modified, later, "malformed"],
    ["", '"a"', modified, later, "malformed"],
  ];
  for (const [ifRange, etag, lastModified, now, expected] of table) {
    const outcome = rangeApplies(ifRange, etag, lastModified, now);
    const actual = outcome.kind === "applies" ? "applies" : outcome.reason;
    assertEquals(actual, expected, `${ifRange} against ${etag}, ${lastModified}`);
  }
});
