import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { replaceEnvironment } from "../../src/config/environment.ts";

const VARIABLES = new Map([
  ["TOKEN", "s3cret"],
  ["_x1", "y"],
  ["EMPTY", ""],
  ["NESTED", "${TOKEN}"],
  ["DOLLARS", "$1$$"],
  ["dir", "from-environment"],
  ["DISTROS", "debian|ubuntu"],
]);

function replace(tree: unknown): { value: unknown; problems: unknown[] } {
  return replaceEnvironment(tree, (name) => VARIABLES.get(name));
}

Deno.test("placeholders in ordinary strings are replaced, and doubled dollars halved", () => {
  const examples: [string, string][] = [
    ["Bearer ${TOKEN}", "Bearer s3cret"],
    ["${TOKEN}${_x1}", "s3crety"],
    ["${EMPTY}", ""],
    ["${NESTED}", "${TOKEN}"],
    ["${DOLLARS}", "$1$$"],
    ["$${TOKEN}", "${TOKEN}"],
    ["$$${TOKEN}", "$s3cret"],
    ["$$", "$"],
    ["a$b$", "a$b$"],
    ["$TOKEN", "$TOKEN"],
    ["$1 ${1} ${}", "$1 ${1} ${}"],
    ["${TOKEN", "${TOKEN"],
    ["${TO-KEN}", "${TO-KEN}"],
  ];
  for (const [text, expected] of examples) {
    assertEquals(replace({ path: text }), { value: { path: expected }, problems: [] });
  }
});

Deno.test("in regular expressions the value becomes a part, and all else with a dollar stays", () => {
  const examples: [string, string][] = [
    ["^/(${DISTROS})/(.*)$", "^/(debian|ubuntu)/(.*)$"],
    ["a$$", "a$$"],
    ["a$|b", "a$|b"],
    ["x${1}", "x${1}"],
    ["^[$]{2}$", "^[$]{2}$"],
  ];
  for (const [text, expected] of examples) {
    for (const key of ["match", "allowed-redirect"]) {
      assertEquals(replace({ [key]: text }), { value: { [key]: expected }, problems: [] });
    }
  }
});

Deno.test("in a replacement groups of the expression go before the environment", () => {
  const match = "(?P<dir>[a-z]+)/(.*)";
  const examples: [string, string][] = [
    ["/${1}/$2", "/${1}/$2"],
    ["/${dir}/$dir", "/${dir}/$dir"],
    ["/${TOKEN}/$2", "/s3cret/$2"],
    ["/$$/$$1", "/$$/$$1"],
    ["/$${TOKEN}", "/$${TOKEN}"],
    // The value is literal: Go makes one dollar of each two.
    ["/${DOLLARS}", "/$$1$$$$"],
  ];
  for (const [text, expected] of examples) {
    const path = { match, replace: expected };
    assertEquals(replace({ path: { replace: text, match } }), { value: { path }, problems: [] });
  }
  assertEquals(replace({ match: "x", replace: "${dir}" }).value, {
    match: "x",
    replace: "from-environment",
  });
});

Deno.test("a replacement beside a broken expression causes no second problem", () => {
  const path = { match: "(?P<n>", replace: "${n}" };
  assertEquals(replace({ path }), { value: { path }, problems: [] });
});

Deno.test("header fields named like our keys are ordinary strings", () => {
  const tree = { headers: { match: "$$", replace: "${TOKEN}$$", "allowed-redirect": "$$" } };
  assertEquals(replace(tree).value, {
    headers: { match: "$", replace: "s3cret$", "allowed-redirect": "$" },
  });
});

Deno.test("each variable that is not set is a problem at its place", () => {
  const tree = {
    upstream: [{ headers: { A: "${GONE}" }, path: { match: "^/${GONE}", replace: "${other}" } }],
  };
  assertEquals(replace(tree), {
    value: tree,
    problems: [
      {
        path: ["upstream", 0, "headers", "A"],
        message: "environment variable GONE is not set",
        addValue: false,
      },
      {
        path: ["upstream", 0, "path", "match"],
        message: "environment variable GONE is not set",
        addValue: false,
      },
      {
        path: ["upstream", 0, "path", "replace"],
        message: "environment variable other is not set, and match has no group of that name",
        addValue: false,
      },
    ],
  });
});

Deno.test("what is no string stays, and so does any string without a dollar", () => {
  const value = fc.oneof(
    fc.integer(),
    fc.boolean(),
    fc.constantFrom(undefined, null),
    fc.string().filter((text) => !text.includes("$")),
  );
  const tree = fc.record({ name: value, list: fc.array(value), match: value, replace: value });
  fc.assert(fc.property(tree, (tree) => {
    assertEquals(replace(tree), { value: tree, problems: [] });
  }));
});
