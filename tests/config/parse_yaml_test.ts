import { assert, assertEquals, assertThrows } from "@std/assert";
import { parseYaml } from "../../src/config/parse_yaml.ts";
import { ConfigError } from "../../src/errors.ts";

function problemsOf(text: string): readonly string[] {
  return assertThrows(() => parseYaml(text), ConfigError).problems;
}

Deno.test("a syntax error is one problem with line and column, without the line's text", () => {
  const problems = problemsOf('a: 1\nheaders: {Authorization: "s3cret\n');
  assertEquals(problems, [
    "line 3, column 1: Unexpected end of the stream within a double quoted scalar",
  ]);
});

Deno.test("doubled keys and a second document are syntax errors", () => {
  assertEquals(problemsOf("a: 1\na: 2"), [
    "line 2, column 1: Cannot store mapping pair: duplicated key",
  ]);
  assertEquals(problemsOf("a: 1\n---\nb: 2").length, 1);
});

Deno.test("an empty file is an empty mapping, and keys without a value have none", () => {
  for (const text of ["", "# nothing\n", "---\n", "null\n"]) assertEquals(parseYaml(text), {});
  assertEquals(parseYaml("misc:\ncache: ~\nlog: null\nlist: [~]"), {
    misc: undefined,
    cache: undefined,
    log: undefined,
    list: [null],
  });
});

Deno.test("aliases and merge keys work, and give parts of their own", () => {
  const tree = parseYaml("a: &a {x: 1}\nb: *a\nc: {<<: *a, y: 2}");
  assertEquals(tree, { a: { x: 1 }, b: { x: 1 }, c: { x: 1, y: 2 } });
  const { a, b } = tree as Record<string, unknown>;
  assert(a !== b);
});

Deno.test("a file that contains itself is refused", () => {
  assertEquals(problemsOf("a: &a {b: *a}"), ["the file is nested over 32 levels deep"]);
});
