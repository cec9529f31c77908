import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { candidateGroups } from "../../src/decide/candidates.ts";
import { invalidatedKeys } from "../../src/decide/invalidation.ts";
import { parseTarget } from "../../src/decide/parse_target.ts";
import type { Upstream } from "../../src/types.ts";
import { pattern, upstream } from "../support/facts.ts";
import { fieldLines } from "../support/field_lines.ts";

/** The keys beside the request's own after a 201 of `POST key`. */
function others(lines: string[], key: string, mirror: Upstream = upstream()): readonly string[] {
  const parsed = parseTarget(`http://self${key}`, null);
  assert(parsed.kind === "target");
  const requestUrl = candidateGroups(parsed.target, [mirror])[0]?.[0]?.url ?? "";
  const facts = { status: 201, headers: fieldLines(...lines), requestUrl, key, upstream: mirror };
  const [own, ...rest] = invalidatedKeys(facts);
  assertEquals(own, key);
  return rest;
}

Deno.test("RFC 9111 4.4: an answer that is no error invalidates the request's key", () => {
  for (let status = 100; status < 600; status++) {
    const facts = { status, headers: [], requestUrl: "http://mirror.test/a", key: "/a" };
    const keys = invalidatedKeys({ ...facts, upstream: upstream() });
    assertEquals(keys, status >= 200 && status < 400 ? ["/a"] : [], `${status}`);
  }
});

Deno.test("RFC 9111 4.4: an error invalidates nothing that it names", () => {
  const headers = fieldLines("Location: /b");
  const facts = { headers, requestUrl: "http://mirror.test/a", key: "/a", upstream: upstream() };
  assertEquals(invalidatedKeys({ ...facts, status: 404 }), []);
  assertEquals(invalidatedKeys({ ...facts, status: 500 }), []);
  assertEquals(invalidatedKeys({ ...facts, status: 303 }), ["/a", "/b"]);
});

Deno.test("RFC 9111 4.4: Location and Content-Location are invalidated too", () => {
  assertEquals(others(["Location: /b", "Content-Location: /c"], "/a"), ["/b", "/c"]);
  assertEquals(others(["Location: /b", "Content-Location: /b"], "/a"), ["/b"]);
  assertEquals(others(["Content-Location: /a"], "/a"), []);
});

Deno.test("references are resolved, and keys are in their canonical spelling", () => {
  const table: [reference: string, key: string, expected: string[]][] = [
    ["http://mirror.test/x", "/a", ["/x"]],
    ["http://MIRROR.test:80/x", "/a", ["/x"]],
    ["//mirror.test/x", "/a", ["/x"]],
    ["x", "/a/b", ["/a/x"]],
    ["./x", "/a/b", ["/a/x"]],
    ["../x", "/a/b", ["/x"]],
    ["../../../x", "/a/b", ["/x"]],
    ["/x/", "/a/b", ["/x/"]],
    ["/", "/a/b", ["/"]],
    [".", "/a/b", ["/a/"]],
    ["b/c", "/a/b", ["/a/b/c"]],
    ["/%7Ex/%61%2d", "/a", ["/~x/a-"]],
    ["/é", "/a", ["/%C3%A9"]],
    ["/x?q='1'&b=%7e", "/a", ["/x?q='1'&b=%7e"]],
    ["/x?", "/a", ["/x"]],
    ["?q", "/a?p", ["/a?q"]],
    ["/x?q#f", "/a", ["/x?q"]],
    ["/x#?f", "/a", ["/x"]],
    ["#f", "/a?p", []],
    ["", "/a?p", []],
    ["/x:y", "/a", ["/x:y"]],
    ["x:y", "/a", []],
    ["//mirror.test//x", "/a", ["//x"]],
  ];
  for (const [reference, key, expected] of table) {
    assertEquals(others([`Location: ${reference}`], key), expected, reference);
  }
});

Deno.test("RFC 9111 4.4: what is of another origin is left alone", () => {
  const table = [
    "http://other.test/x",
    "https://mirror.test/x",
    "http://mirror.test:8080/x",
    "http://mirror.test.evil/x",
    "//other.test/x",
    "ftp://mirror.test/x",
    "mailto:a@mirror.test",
    "data:,x",
    "http://[/x",
    "http://",
  ];
  for (const reference of table) {
    assertEquals(others([`Location: ${reference}`], "/a"), [], reference);
  }
});

Deno.test("RFC 9111 4.4: the origin that counts is the request's", () => {
  const facts = { status: 201, key: "/a", upstream: upstream() };
  for (const location of ["http://mirror.test/b", "/b"]) {
    const headers = fieldLines(`Location: ${location}`);
    assertEquals(invalidatedKeys({ ...facts, headers, requestUrl: "http://other.test/a" }), ["/a"]);
  }
});

Deno.test("what no client could ask for is left alone", () => {
  for (const reference of ["/a%00", "/%252e%252e/x", "/a%5Cb", "/%zz", "/" + "x".repeat(9000)]) {
    assertEquals(others([`Location: ${reference}`], "/a"), [], reference.slice(0, 20));
  }
});

Deno.test("the base URL of an upstream does not belong to the key", () => {
  const mirror = upstream({ server: "http://mirror.test/stable/v1" });
  const table: [reference: string, expected: string[]][] = [
    ["/stable/v1/x", ["/x"]],
    ["x", ["/a/x"]],
    ["../../x", []],
    ["/stable/v1", []],
    ["/stable/v1/", ["/"]],
    ["/stable/v10/x", []],
    ["/stable/x", []],
    ["/x", []],
  ];
  for (const [reference, expected] of table) {
    assertEquals(others([`Location: ${reference}`], "/a/b", mirror), expected, reference);
  }
});

Deno.test("behind a mapping a key is taken when it leads to the same URL, else left alone", () => {
  const stripped = upstream({
    server: "http://mirror.test/ubuntu",
    mapping: { match: pattern("^/apt/(.*)$"), replace: "/$1" },
  });
  const table: [reference: string, expected: string[]][] = [
    ["y", ["/apt/pool/y"]],
    ["/ubuntu/pool/y", ["/apt/pool/y"]],
    ["/ubuntu/y?q", ["/apt/y?q"]],
    ["/ubuntu/", ["/apt/"]],
    ["/y", []],
    ["../../../y", []],
  ];
  for (const [reference, expected] of table) {
    assertEquals(others([`Location: ${reference}`], "/apt/pool/x", stripped), expected, reference);
  }
  const folded = upstream({ mapping: { match: pattern("^.*/"), replace: "/flat/" } });
  assertEquals(others(["Location: /flat/y"], "/a/b/x", folded), ["/a/b/y"]);
  assertEquals(others(["Location: /other/y"], "/a/b/x", folded), []);
});

Deno.test("every key that is named leads to the URL that the answer named", () => {
  const path = fc.array(fc.constantFrom("", "a", "b", "..", "~", "%7E"), { maxLength: 5 })
    .map((segments) => segments.join("/"));
  const mirrors = [
    upstream(),
    upstream({ server: "http://mirror.test/a" }),
    upstream({ mapping: { match: pattern("^/a/"), replace: "/" } }),
    upstream({ mapping: { match: pattern("b"), replace: "a" } }),
  ];
  fc.assert(
    fc.property(path, path, fc.constantFrom(...mirrors), (own, reference, mirror) => {
      const parsed = parseTarget(`http://self/a/${own}`, null);
      if (parsed.kind === "refused") return;
      const { key } = parsed.target;
      const requestUrl = candidateGroups(parsed.target, [mirror])[0]?.[0]?.url;
      if (requestUrl === undefined) return;
      const headers = [["location", reference]] as const;
      const facts = { status: 201, headers, requestUrl, key, upstream: mirror };
      for (const named of invalidatedKeys(facts).slice(1)) {
        const again = parseTarget(`http://self${named}`, null);
        assert(again.kind === "target" && again.target.key === named, named);
        const url = candidateGroups(again.target, [mirror])[0]?.[0]?.url ?? "";
        const normal = (text: string) => new URL(text).href.replaceAll(/%7E/gi, "~");
        assertEquals(normal(url), normal(new URL(reference, requestUrl).href));
      }
    }),
    { numRuns: 3000 },
  );
});
