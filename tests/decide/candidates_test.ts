import { assertEquals } from "@std/assert";
import { candidateGroups } from "../../src/decide/candidates.ts";
import type { Target, Upstream } from "../../src/types.ts";
import { pattern, target, upstream } from "../support/facts.ts";

function urls(of: Target, upstreams: readonly Upstream[]): string[][] {
  return candidateGroups(of, upstreams).map((group) => group.map(({ url }) => url));
}

function mapped(match: string, replace: string, server = "http://mirror.test"): Upstream {
  return upstream({ server, mapping: { match: pattern(match), replace } });
}

Deno.test("an upstream without a mapping has every path, unchanged and with its query", () => {
  const plain = upstream({ server: "http://mirror.test/base" });
  assertEquals(urls(target("/a/b", { query: "?x=%2B" }), [plain]), [[
    "http://mirror.test/base/a/b?x=%2B",
  ]]);
});

Deno.test("a mapping chooses its paths and renames them", () => {
  const table: [match: string, replace: string, path: string, url: string | null][] = [
    ["^/debian/", "/", "/debian/pool/x", "http://mirror.test/pool/x"],
    ["^/debian/", "/", "/ubuntu/pool/x", null],
    ["^/debian/", "", "/debian/pool/x", "http://mirror.test/pool/x"],
    ["^/(\\w+)/(.*)$", "/$2/${1}", "/a/b/c", "http://mirror.test/b/c/a"],
    ["x", "y", "/x/x/x", "http://mirror.test/y/y/y"],
    ["^/only$", "", "/only", "http://mirror.test/"],
  ];
  for (const [match, replace, path, url] of table) {
    assertEquals(urls(target(path), [mapped(match, replace)]), url === null ? [] : [[url]], path);
  }
});

Deno.test("the mapping keeps the client's spelling", () => {
  const tilde = target("/d/a~b+c:d", { rawPath: "/d/a%7Eb%2Bc%3Ad" });
  assertEquals(urls(tilde, [mapped("^/d/", "/")]), [["http://mirror.test/a%7Eb%2Bc%3Ad"]]);
});

Deno.test("who is asked depends on the key alone, not on its spelling", () => {
  // Otherwise a client could choose by an odd spelling which mirror fills a key for all others.
  const odd = target("/debian/x", { rawPath: "/debi%61n/x" });
  assertEquals(urls(odd, [mapped("^/debian/", "/")]), [["http://mirror.test/x"]]);
  const disguised = target("/other/x", { rawPath: "/oth%65r/x" });
  assertEquals(urls(disguised, [mapped("%65", "e")]), []);
  const twice = target("/debian/debian/x", { rawPath: "/debi%61n/debian/x" });
  assertEquals(urls(twice, [mapped("debian/", "")]), [["http://mirror.test/x"]]);
  const either = target("/a/b+", { rawPath: "/%61/b%2B" });
  assertEquals(urls(either, [mapped("^/(a)/(.*)", "/$2/$1")]), [["http://mirror.test/b+/a"]]);
  assertEquals(urls(either, [mapped("^/(.)/(.*)", "/$2/$1")]), [["http://mirror.test/b+/a"]]);
  assertEquals(urls(either, [mapped("^/([^/]*)/(.*)", "/$2/$1")]), [[
    "http://mirror.test/b%2B/%61",
  ]]);
});

Deno.test("groups come by priority, members in the order of the config", () => {
  const groups = (priority: number, match = "^/") => ({
    priorityGroups: [{ match: pattern(match), priority }],
  });
  const upstreams = [
    upstream({ server: "http://zero" }),
    upstream({ server: "http://low", ...groups(-5) }),
    upstream({ server: "http://high", ...groups(7) }),
    upstream({ server: "http://high2", ...groups(7) }),
    upstream({ server: "http://elsewhere", ...groups(9, "^/elsewhere/") }),
  ];
  assertEquals(urls(target("/x"), upstreams), [
    ["http://high/x", "http://high2/x"],
    ["http://zero/x", "http://elsewhere/x"],
    ["http://low/x"],
  ]);
});

Deno.test("the first priority group that matches counts, on the canonical path", () => {
  const two = upstream({
    priorityGroups: [
      { match: pattern("^/debian/"), priority: 3 },
      { match: pattern("^/"), priority: -3 },
    ],
  });
  const other = upstream({ server: "http://other" });
  const first = (path: Target): string | undefined => urls(path, [two, other])[0]?.[0];
  assertEquals(first(target("/debian/x")), "http://mirror.test/debian/x");
  assertEquals(
    first(target("/debian/x", { rawPath: "/debi%61n/x" })),
    "http://mirror.test/debi%61n/x",
  );
  assertEquals(first(target("/x")), "http://other/x");
});

Deno.test("no upstream for the path: no group", () => {
  assertEquals(urls(target("/x"), []), []);
  assertEquals(urls(target("/x"), [mapped("^/y", "")]), []);
});
