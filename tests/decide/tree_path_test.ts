import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { join } from "@std/path/posix";
import fc from "fast-check";
import { parseTarget } from "../../src/decide/parse_target.ts";
import {
  HIDDEN_FOLDER,
  overflowPath,
  type OverflowReason,
  treePath,
} from "../../src/decide/tree_path.ts";

Deno.test("a key's file stands in the tree under its decoded path", () => {
  const table: [key: string, path: string][] = [
    [
      "/debian/pool/main/h/hello/hello_2.10-3_amd64.deb",
      "debian/pool/main/h/hello/hello_2.10-3_amd64.deb",
    ],
    ["/debian/a%20b", "debian/a b"],
    ["/%C3%A9/%F0%9F%98%80", "é/😀"],
    ["/100%25", "100%"],
    ["/a%3Fb%23c", "a?b#c"],
    ["/%2541", "%41"],
    // A byte order mark is a part of the name.
    ["/%EF%BB%BFa", "\ufeffa"],
    ["/a/.cache-proxy", "a/.cache-proxy"],
    ["/.cache-proxy2/x", ".cache-proxy2/x"],
    ["/" + "n".repeat(255), "n".repeat(255)],
    ["/" + "%C3%A9".repeat(127), "é".repeat(127)],
  ];
  for (const [key, path] of table) assertEquals(treePath(key), { kind: "tree", path }, key);
});

Deno.test("what the plain tree cannot hold goes to the overflow, with the reason", () => {
  const table: [key: string, reason: OverflowReason][] = [
    ["/a?b", "query"],
    ["/a/?b", "query"],
    ["/%FF?b", "query"],
    ["/", "slash-end"],
    ["/a/", "slash-end"],
    ["//a", "empty-segment"],
    ["/a//b", "empty-segment"],
    ["/" + "n".repeat(256), "name-too-long"],
    ["/" + "%C3%A9".repeat(128), "name-too-long"],
    ["/" + "d/".repeat(1500) + "x", "path-too-long"],
    ["/%FF", "not-utf8"],
    ["/%C0%AE%C0%AE/x", "not-utf8"],
    ["/%ED%A0%80", "not-utf8"],
    ["/.cache-proxy", "reserved"],
    ["/.cache-proxy/index.db", "reserved"],
    // `parseTarget` never makes these.
    ["/../x", "reserved"],
    ["/a/%2E%2E", "reserved"],
    ["/a%2F..%2Fb", "reserved"],
    ["/a%00", "reserved"],
    ["/%zz", "not-utf8"],
    ["", "slash-end"],
  ];
  for (const [key, reason] of table) {
    assertEquals(treePath(key), { kind: "overflow", path: overflowPath(key), reason }, key);
  }
});

Deno.test("a path of exactly the bound is in the tree", () => {
  assertEquals(treePath("/" + "d/".repeat(1499) + "xx").kind, "tree");
  assertEquals(treePath("/" + "d/".repeat(1499) + "xxx").kind, "overflow");
});

Deno.test("an overflow file keeps a short plain extension of the path", () => {
  const table: [key: string, extension: string][] = [
    ["/simple/", ""],
    ["/a.tar.gz?b.html", ".gz"],
    ["/a?b.html", ""],
    ["/" + "n".repeat(300) + ".deb", ".deb"],
    ["/a.b/c", ""],
    ["/.bashrc", ""],
    ["/a.", ""],
    ["/a.d%20e", ""],
    ["/a.muchtoolong", ""],
  ];
  for (const [key, extension] of table) {
    const path = overflowPath(key);
    assertMatch(path, /^\.cache-proxy\/overflow\/([0-9a-f]{2})\/\1[0-9a-f]{62}(\.[A-Za-z0-9]+)?$/);
    assertEquals(path.slice(path.lastIndexOf("/") + 65), extension, key);
  }
  assertEquals(
    overflowPath("/a?b"),
    ".cache-proxy/overflow/b3/b327ee90239a59ae9ec2875c84b5b8d4003059befc270d37480e5bb22431b960",
  );
});

Deno.test("whatever the key, its path stays below the data directory", () => {
  const piece = fc.constantFrom(..."/ . .. %2E %2F %2f %5C \\ %00 %25 a .cache-proxy ?".split(" "));
  const key = fc.array(fc.oneof(piece, fc.string({ maxLength: 3 })), { maxLength: 12 })
    .map((pieces) => "/" + pieces.join(""));
  fc.assert(
    fc.property(key, (key) => {
      const { kind, path } = treePath(key);
      assertEquals(join("/data", path), `/data/${path}`);
      assertEquals(path.startsWith(`${HIDDEN_FOLDER}/`), kind === "overflow");
    }),
    { numRuns: 5000 },
  );
});

Deno.test("no accepted target leaves the root, and two keys never share a file", () => {
  const piece = fc.constantFrom(
    ..."/ . .. %2e %2E %2f %5c %00 %25 25 2e 2f a A %41 %c3%a9 é %C0%AE %EF%BB%BF ? .cache-proxy"
      .split(" "),
  );
  const target = fc.array(piece, { maxLength: 8 }).map((pieces) => "/" + pieces.join(""));
  const keys = new Map<string, string>();
  fc.assert(
    fc.property(target, (raw) => {
      const parsed = parseTarget(`http://h${raw}`, "h");
      if (parsed.kind === "refused") return;
      const { key } = parsed.target;
      const { path } = treePath(key);
      assert(!path.split("/").some((segment) => ["", ".", ".."].includes(segment)));
      assertEquals(keys.get(path) ?? key, key);
      keys.set(path, key);
    }),
    { numRuns: 5000 },
  );
  assertNotEquals(keys.size, 0);
});
