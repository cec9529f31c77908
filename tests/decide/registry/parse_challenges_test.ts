import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { parseChallenges } from "../../../src/decide/registry/parse_challenges.ts";

function read(value: string): unknown {
  return parseChallenges(value).map(({ scheme, params }) => [scheme, Object.fromEntries(params)]);
}

const CASES: readonly [value: string, expected: unknown][] = [
  ["", []],
  ["Basic", [["basic", {}]]],
  ['Basic realm="simple"', [["basic", { realm: "simple" }]]],
  // RFC 9110 section 11.6.1 has this one as its example.
  [
    'Basic realm="simple", Newauth realm="apps", type=1, title="Login to \\"apps\\""',
    [["basic", { realm: "simple" }], [
      "newauth",
      { realm: "apps", type: "1", title: 'Login to "apps"' },
    ]],
  ],
  [
    'Bearer realm="https://auth.example.org/token",service="registry.example.org",scope="repository:a/b:pull,push"',
    [["bearer", {
      realm: "https://auth.example.org/token",
      service: "registry.example.org",
      scope: "repository:a/b:pull,push",
    }]],
  ],
  ['bearer  realm = "x" , SERVICE=y', [["bearer", { realm: "x", service: "y" }]]],
  ["Negotiate, Basic realm=x", [["negotiate", {}], ["basic", { realm: "x" }]]],
  ["Negotiate YWJj+/==, Bearer realm=x", [["negotiate", {}], ["bearer", { realm: "x" }]]],
  [', ,Basic realm="a, b"', [["basic", { realm: "a, b" }]]],
  ['Bearer realm="one", realm="two"', [["bearer", { realm: "one" }]]],
  // What cannot be read ends the reading.
  ['Basic realm="x", Bearer realm="unended', [["basic", { realm: "x" }], ["bearer", {}]]],
  ["realm=x", []],
  ['"quoted" Basic', []],
];

Deno.test("challenges are read as RFC 9110 writes them", () => {
  for (const [value, expected] of CASES) assertEquals(read(value), expected, value);
});

Deno.test("a text of any kind ends, and gives lower-case names", () => {
  const pieces = fc.constantFrom('"', "=", ",", " ", "\\", "Bearer", "realm", "a=b", "x==", "é");
  fc.assert(fc.property(fc.array(pieces, { maxLength: 200 }), (parts) => {
    for (const { scheme, params } of parseChallenges(parts.join(""))) {
      assertEquals(scheme, scheme.toLowerCase());
      for (const name of params.keys()) assertEquals(name, name.toLowerCase());
    }
  }));
});
