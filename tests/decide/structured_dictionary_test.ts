import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { parseDictionary } from "../../src/decide/structured_dictionary.ts";

Deno.test("RFC 8941 4.2.2: well-formed dictionaries are read", () => {
  const table: [text: string, members: [string, string | null][]][] = [
    ["", []],
    ["   ", []],
    ["max-age=60", [["max-age", "60"]]],
    ["  a=1 ,\t b=2  ", [["a", "1"], ["b", "2"]]],
    ["no-store", [["no-store", null]]],
    ["a=?1, b=?0", [["a", null]]],
    ["a, a=?0", []],
    ["a=1, b=2, a=3", [["a", "3"], ["b", "2"]]],
    ["a=-5, b=1.25, c=-0.1", [["a", "-5"], ["b", "1.25"], ["c", "-0.1"]]],
    ["a=999999999999999", [["a", "999999999999999"]]],
    ['a="x, \\"y\\\\"', [["a", '"x, \\"y\\\\"']]],
    ['a=""', [["a", '""']]],
    ["a=tok/en:*, b=*x", [["a", "tok/en:*"], ["b", "*x"]]],
    ["a=:aGk=:", [["a", ":aGk=:"]]],
    ['a=(1 "x"  y;q=2 ), b=()', [["a", '(1 "x"  y;q=2 )'], ["b", "()"]]],
    ["a=5;x;y=1; z=tok, b", [["a", "5"], ["b", null]]],
    ["*a_.-9;p=1", [["*a_.-9", null]]],
  ];
  for (const [text, members] of table) {
    assertEquals([...parseDictionary(text) ?? ["malformed"]], members, text);
  }
});

Deno.test("RFC 8941 4.2: a dictionary that is malformed anywhere is malformed", () => {
  const table = [
    ..."A a=A=1 a,, ,a a, a=1;; a= a=; a=1;B 9a -a a=@1 a=? a=?2 a=01234567890123456".split(" "),
    ..."a=1234567890123.1 a=1. a=.5 a=1.2345 a=- a=+1 a=:%: a=( a=) a=&".split(" "),
    "a b",
    "a =1",
    "a= 1",
    "a\t",
    "\ta",
    "a=1 2",
    'a="',
    'a="\\x"',
    'a="é"',
    'a="\t"',
    "a=(1,2)",
    "a=(1 (2))",
    'a=("x"y)',
    "a ;b",
    "a;b=(1)",
    "a,\nb",
    "max-age=10000, &&&&&",
    "MaX-aGe=3600",
  ];
  for (const text of table) assertEquals(parseDictionary(text), null, JSON.stringify(text));
});

Deno.test("any text is read or refused, in time that grows with its length", () => {
  const piece = fc.constantFrom(...'a b=1 ; , ( ) " \\ = ?0 : 1.5 -'.split(" "), " ", "\t", "é");
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      parseDictionary(pieces.join(""));
    }),
    { numRuns: 2000 },
  );
  for (
    const text of ["a=(" + "1 ".repeat(30_000), "a" + ";a".repeat(30_000) + "!", '"'.repeat(6e4)]
  ) {
    assertEquals(parseDictionary(text), null);
  }
});

Deno.test("what is written is read back", () => {
  const key = fc.stringMatching(/^[a-z*][a-z0-9_.*-]{0,8}$/);
  const value = fc.oneof(
    fc.constant(null),
    fc.integer().map(String),
    fc.stringMatching(/^[A-Za-z*][A-Za-z0-9:/~!-]{0,8}$/),
    fc.stringMatching(/^[ !#-[\]-~]{0,9}$/).map((text) => `"${text}"`),
  );
  fc.assert(
    fc.property(fc.dictionary(key, value), fc.constantFrom(",", ", ", " ,\t"), (map, gap) => {
      const members = Object.entries(map);
      const text = members.map(([name, item]) => item === null ? name : `${name}=${item}`).join(
        gap,
      );
      assertEquals([...parseDictionary(text) ?? []], members, text);
    }),
  );
});
