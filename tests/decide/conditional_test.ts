import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { evaluateConditional, type Preconditions } from "../../src/decide/conditional.ts";
import { formatHttpDate } from "../../src/decide/http_date.ts";

const MODIFIED = Date.UTC(2024, 0, 2, 3, 4, 5);
const NOW = Date.UTC(2025, 0, 1);
const SAME = formatHttpDate(MODIFIED);
const BEFORE = formatHttpDate(MODIFIED - 1000);
const AFTER = formatHttpDate(MODIFIED + 1000);

const NONE: Preconditions = {
  ifMatch: null,
  ifUnmodifiedSince: null,
  ifNoneMatch: null,
  ifModifiedSince: null,
};

/** The outcome in short: `proceed`, `not-modified etag`, … */
function outcome(
  fields: Partial<Preconditions>,
  etag: string | null = '"a"',
  lastModified: number | null = MODIFIED,
): string {
  const result = evaluateConditional({ ...NONE, ...fields }, { etag, lastModified }, NOW);
  return result.kind === "proceed" ? "proceed" : `${result.kind} ${result.by}`;
}

Deno.test("If-None-Match is a list of tags, compared weakly", () => {
  const table: [field: string, etag: string | null, same: boolean][] = [
    ['"a"', '"a"', true],
    ['"a"', 'W/"a"', true],
    ['W/"a"', '"a"', true],
    ['W/"a"', 'W/"a"', true],
    ['"b"', '"a"', false],
    ['"A"', '"a"', false],
    ['"x", W/"y" ,"a"', '"a"', true],
    [',, "x" ,\t, "a",', '"a"', true],
    ['"x","y"', '"a"', false],
    ['"x,"a",y"', '"a"', false],
    ['"x,y", "a"', '"a"', true],
    ['"x, y"', '"x, y"', false],
    ['"x,y"', '"x,y"', true],
    ['""', '""', true],
    ['"é"', '"é"', true],
    ["*", '"a"', true],
    [" * ", '"a"', true],
    ["*", null, true],
    ['"a"', null, false],
    ['*, "a"', '"a"', false],
    ["a", '"a"', false],
    ['"a', '"a"', false],
    ['w/"a"', '"a"', false],
    ['"x" "a"', '"a"', false],
    ['"a", junk', '"a"', true],
    ["", '"a"', false],
  ];
  for (const [field, etag, same] of table) {
    const expected = same ? "not-modified etag" : "proceed";
    assertEquals(outcome({ ifNoneMatch: field }, etag), expected, `${field} against ${etag}`);
  }
});

Deno.test("If-Modified-Since holds when the copy is not newer, and bad dates do not count", () => {
  const table: [field: string, lastModified: number | null, expected: string][] = [
    [SAME, MODIFIED, "not-modified date"],
    [AFTER, MODIFIED, "not-modified date"],
    [BEFORE, MODIFIED, "proceed"],
    ["Tuesday, 02-Jan-24 03:04:05 GMT", MODIFIED, "not-modified date"],
    ["Tue Jan  2 03:04:05 2024", MODIFIED, "not-modified date"],
    [SAME, null, "proceed"],
    ["yesterday", MODIFIED, "proceed"],
    ["", MODIFIED, "proceed"],
    ["0", MODIFIED, "proceed"],
  ];
  for (const [field, lastModified, expected] of table) {
    assertEquals(outcome({ ifModifiedSince: field }, '"a"', lastModified), expected, field);
  }
});

Deno.test("If-Match compares strongly and fails with 412", () => {
  const table: [field: string, etag: string | null, expected: string][] = [
    ['"a"', '"a"', "proceed"],
    ['"x", "a"', '"a"', "proceed"],
    ["*", null, "proceed"],
    ['"b"', '"a"', "failed etag"],
    ['W/"a"', 'W/"a"', "failed etag"],
    ['"a"', 'W/"a"', "failed etag"],
    ['W/"a"', '"a"', "failed etag"],
    ['"a"', null, "failed etag"],
    ["junk", '"a"', "failed etag"],
  ];
  for (const [field, etag, expected] of table) {
    assertEquals(outcome({ ifMatch: field }, etag), expected, `${field} against ${etag}`);
  }
});

Deno.test("If-Unmodified-Since fails with 412 when the copy is newer", () => {
  assertEquals(outcome({ ifUnmodifiedSince: BEFORE }), "failed date");
  assertEquals(outcome({ ifUnmodifiedSince: SAME }), "proceed");
  assertEquals(outcome({ ifUnmodifiedSince: AFTER }), "proceed");
  assertEquals(outcome({ ifUnmodifiedSince: "junk" }), "proceed");
  assertEquals(outcome({ ifUnmodifiedSince: BEFORE }, '"a"', null), "proceed");
});

Deno.test("the fields are evaluated in the order of the RFC", () => {
  const table: [fields: Partial<Preconditions>, expected: string][] = [
    [{}, "proceed"],
    // If-None-Match hides If-Modified-Since.
    [{ ifNoneMatch: '"b"', ifModifiedSince: SAME }, "proceed"],
    [{ ifNoneMatch: '"a"', ifModifiedSince: BEFORE }, "not-modified etag"],
    [{ ifNoneMatch: "junk", ifModifiedSince: SAME }, "proceed"],
    // If-Match hides If-Unmodified-Since.
    [{ ifMatch: '"a"', ifUnmodifiedSince: BEFORE }, "proceed"],
    [{ ifMatch: '"b"', ifUnmodifiedSince: AFTER }, "failed etag"],
    // 412 comes before 304.
    [{ ifMatch: '"b"', ifNoneMatch: '"a"' }, "failed etag"],
    [{ ifUnmodifiedSince: BEFORE, ifNoneMatch: '"a"' }, "failed date"],
    [{ ifMatch: '"a"', ifNoneMatch: '"a"' }, "not-modified etag"],
    [{ ifUnmodifiedSince: SAME, ifModifiedSince: SAME }, "not-modified date"],
  ];
  for (const [fields, expected] of table) {
    assertEquals(outcome(fields), expected, JSON.stringify(fields));
  }
});

Deno.test("a tag anywhere in a list of tags is found, and no other", () => {
  const opaque = fc.string({ unit: fc.constantFrom(..."ab,!#é\\'*/W".split("")), maxLength: 4 });
  const tag = fc.tuple(fc.constantFrom("", "W/"), opaque).map(([w, text]) => `${w}"${text}"`);
  const strip = (text: string) => text.replace(/^W\//, "");
  fc.assert(
    fc.property(
      fc.array(tag, { maxLength: 5 }),
      tag,
      fc.constantFrom(",", ", ", " ,,"),
      (...args) => {
        const [tags, etag, comma] = args;
        const found = tags.some((other) => strip(other) === strip(etag));
        const expected = found ? "not-modified etag" : "proceed";
        assertEquals(outcome({ ifNoneMatch: tags.join(comma) }, etag), expected);
      },
    ),
    { numRuns: 1000 },
  );
});
