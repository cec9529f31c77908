import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { JsonLinks } from "../../../src/decide/links/json_links.ts";
import { MAX_LINK_BYTES } from "../../../src/decide/links/splice.ts";
import { cuts, inPieces, rewritten, soup } from "./pieces.ts";
import { rewriteWhole } from "../../../src/decide/links/link_rewriter.ts";

const PATHS = [["versions", "*", "dist", "tarball"], ["dist", "tarball"], ["files", "[]", "url"]];

const upper = (): JsonLinks => new JsonLinks(PATHS, (link) => `<${link}>`);

Deno.test("strings that a path leads to are replaced, all other bytes stay", () => {
  const cases: readonly (readonly [before: string, after: string])[] = [
    ['{"dist":{"tarball":"a"}}', '{"dist":{"tarball":"<a>"}}'],
    [' {\n "dist" : {\t"tarball" :\r\n"a" } } ', ' {\n "dist" : {\t"tarball" :\r\n"<a>" } } '],
    [
      '{"versions":{"1.0.0":{"dist":{"x":[1,{}],"tarball":"a"}},"2":{"dist":{"tarball":"b"}}}}',
      '{"versions":{"1.0.0":{"dist":{"x":[1,{}],"tarball":"<a>"}},"2":{"dist":{"tarball":"<b>"}}}}',
    ],
    [
      '{"files":[{"url":"a","x":{"url":"n"}},{"url":"b"}],"url":"n"}',
      '{"files":[{"url":"<a>","x":{"url":"n"}},{"url":"<b>"}],"url":"n"}',
    ],
    // Escapes in names and values.
    ['{"d\\u0069st":{"tarball":"a\\/\\"\\u00e9"}}', '{"d\\u0069st":{"tarball":"<a/\\"é>"}}'],
    [
      '{"dist":{"tarball":"a"},"dist":{"tarball":"b"}}',
      '{"dist":{"tarball":"<a>"},"dist":{"tarball":"<b>"}}',
    ],
  ];
  for (const [before, after] of cases) assertEquals(rewritten(before, upper()), after, before);
});

Deno.test("what looks like a link and is none comes out as it came", () => {
  const texts = [
    // Elsewhere, or deeper, or not so deep.
    '{"tarball":"a"}',
    '{"dist":"tarball"}',
    '{"dist":{"x":{"tarball":"a"}}}',
    '{"x":{"dist":{"tarball":"a"}}}',
    '{"versions":{"dist":{"tarball":"a"}}}',
    '[{"dist":{"tarball":"a"}}]',
    '{"dist":[{"tarball":"a"}]}',
    '{"files":{"0":{"url":"a"}}}',
    '{"files":[[{"url":"a"}]]}',
    // A value that reads like JSON.
    '{"readme":"\\"dist\\":{\\"tarball\\":\\"a\\"}"}',
    '{"readme":"{\\"dist\\": {"}',
    // No strings.
    '{"dist":{"tarball":null,"x":1}}',
    '{"dist":{"tarball":{"tarball":"a"}}}',
    '{"dist":{"tarball":["a"]}}',
    "",
    '"dist"',
    "{",
    '{"dist":{"tarball":"unfinished',
    '{"dist":{"tarball":"bad escape \\x"}}',
    `{"dist":{"tarball":"${"a".repeat(MAX_LINK_BYTES)}"}}`,
    `{"dist":{"${"tarball".repeat(100)}":"a"}}`,
    "\ufeff{}",
    "]]}}",
  ];
  for (const text of texts) assertEquals(rewritten(text, upper()), text, text.slice(0, 80));
});

Deno.test("a link as long as the bound is replaced", () => {
  const link = "a".repeat(MAX_LINK_BYTES - 2);
  assertEquals(
    rewritten(`{"dist":{"tarball":"${link}"}}`, upper()),
    `{"dist":{"tarball":"<${link}>"}}`,
  );
});

Deno.test("bytes that are no UTF-8 stay as they are", () => {
  const before = new Uint8Array(
    [...'{"x":"'].map((char) => char.charCodeAt(0)).concat(0xff, 0xc3, 0x22, 0x7d),
  );
  assertEquals(rewriteWhole(before, upper()), before);
});

Deno.test("wherever a JSON text is cut, the same comes out", () => {
  const fragments = [
    ...[
      '{"dist":{"tarball":"',
      '"dist":{',
      '"tarball":',
      '"versions":{"1":{',
      '"files":[{"url":"é"',
    ],
    ...["{", "}", "[", "]", ",", ":", '"', "\\", '\\"', " ", "x", "é", "😀", "null", '"\\ud83d"'],
  ];
  fc.assert(
    fc.property(soup(fragments), cuts, (bytes, places) => {
      assertEquals(inPieces(bytes, places, upper()), rewriteWhole(bytes, upper()));
    }),
    { numRuns: 2000 },
  );
});

Deno.test("the links of any JSON value are those that its paths lead to", () => {
  const key = fc.constantFrom("dist", "tarball", "versions", "files", "url", "x", "[]", "*", "é");
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { depthSize: "medium", withCrossShrink: true },
      fc.oneof(fc.string(), fc.integer(), fc.constant(null)),
      fc.array(tie("tree"), { maxLength: 4 }),
      fc.dictionary(key, tie("tree"), { maxKeys: 5 }),
    ),
  }));
  fc.assert(
    fc.property(tree, fc.nat(3), cuts, (value, indent, places) => {
      const bytes = new TextEncoder().encode(JSON.stringify(value, null, indent));
      const out = new TextDecoder().decode(inPieces(bytes, places, upper()));
      assertEquals(JSON.parse(out), expected(value, []));
    }),
    { numRuns: 2000 },
  );
});

/** The other way: from the value, by its paths. */
function expected(value: unknown, path: readonly string[]): unknown {
  if (typeof value === "string") {
    const isLink = PATHS.some((it) =>
      it.length === path.length &&
      it.every((step, index) =>
        step === "*" ? path[index] !== "[]" : path[index] === (step === "[]" ? step : `.${step}`)
      )
    );
    return isLink ? `<${value}>` : value;
  }
  if (Array.isArray(value)) return value.map((item) => expected(item, [...path, "[]"]));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, expected(item, [...path, `.${key}`])]),
  );
}
