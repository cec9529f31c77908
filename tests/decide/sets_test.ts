import { assertEquals } from "@std/assert";
import { isNamedByContent, listedByName, nameBelow, placeInSets } from "../../src/decide/sets.ts";
import type { FileSet } from "../../src/types.ts";
import { pattern } from "../support/facts.ts";

const HEX = "0123456789abcdef".repeat(4);

function set(match: string, ...anchors: string[]): FileSet {
  return { match: pattern(match), anchors };
}

Deno.test("the first set that matches counts, and its group names it", () => {
  const sets = [set("^/(a/[^/]+)/", "head"), set("^/(.*)/", "tail"), set("^/x(y)?", "head")];
  const examples: [path: string, name: string | null][] = [
    ["/a/b/c", "0 a/b"],
    ["/a/b/c/head", "0 a/b"],
    ["/b/c", "1 b"],
    ["/c", null],
    ["/x", null],
    ["/xy", "2 y"],
  ];
  for (const [path, name] of examples) {
    assertEquals(placeInSets(path, sets)?.set ?? null, name, path);
  }
  assertEquals(placeInSets("/a/b/c", []), null);
});

Deno.test("anchors are known by their names, in which * stands for anything", () => {
  const examples: [glob: string, name: string, isAnchor: boolean][] = [
    ["Release", "Release", true],
    ["Release", "InRelease", false],
    ["*.db", "core.db", true],
    ["*.db", ".db", true],
    ["*.db", "core.db.sig", false],
    ["APKINDEX*", "APKINDEX.tar.gz", true],
    ["APKINDEX*", "xAPKINDEX", false],
    ["a*b*c", "abc", true],
    ["a*b*c", "axxbyyc", true],
    ["a*b*c", "acb", false],
    ["ab*ba", "aba", false],
    ["*", "anything", true],
    ["a.b", "axb", false],
  ];
  for (const [glob, name, isAnchor] of examples) {
    const place = placeInSets(`/s/${name}`, [set("^/(s)/", glob)]);
    assertEquals(place?.role, isAnchor ? "anchor" : "member", `${glob} for ${name}`);
  }
});

Deno.test("anchors lie where the name of the set ends, or stand for the * of their own", () => {
  const examples: [match: string, glob: string, path: string, anchors: string[]][] = [
    ["^/(d/[^/]+)/", "Release", "/d/sid/main/Packages", ["/d/sid/Release"]],
    ["^/(d/[^/]+/)", "Release", "/d/sid/main/Packages", ["/d/sid/Release"]],
    ["^/()", "Release", "/main/Packages", ["/Release"]],
    ["^/(.*)\\.(?:db|files)$", "*.db", "/os/core.files", ["/os/core.db"]],
    ["^/(os)/", "a*.db", "/os/core.files", []],
    ["^/(os/)", "*.db", "/os/core.files", []],
  ];
  for (const [match, glob, path, anchors] of examples) {
    assertEquals(placeInSets(path, [set(match, glob)])?.anchors, anchors, `${match} ${glob}`);
  }
});

Deno.test("a name of hexadecimal digits says what is in the file", () => {
  const examples: [path: string, isNamed: boolean][] = [
    [`/d/by-hash/SHA256/${HEX}`, true],
    [`/repodata/${HEX}-primary.xml.gz`, true],
    [`/d/by-hash/MD5Sum/${HEX.slice(0, 32)}`, true],
    [`/d/${HEX.slice(0, 31)}`, false],
    [`/${HEX}/Packages`, false],
    [`/d/xyz${HEX}`, true],
    ["/d/main/Packages.xz", false],
    ["/d/Contents-amd64.gz", false],
  ];
  for (const [path, isNamed] of examples) assertEquals(isNamedByContent(path), isNamed, path);
});

Deno.test("only the digest that can be checked is taken from a name", () => {
  assertEquals(listedByName(`/d/by-hash/SHA256/${HEX}`), { sha256: HEX, size: null });
  for (const path of [`/d/by-hash/SHA512/${HEX}`, `/repodata/${HEX}-primary.xml`, "/d/Packages"]) {
    assertEquals(listedByName(path), null, path);
  }
});

Deno.test("an anchor lists files by their names below its folder, as they are on disk", () => {
  const anchor = "/debian/dists/sid/InRelease";
  assertEquals(nameBelow(anchor, "/debian/dists/sid/main/Packages"), "main/Packages");
  assertEquals(nameBelow(anchor, "/debian/dists/sid/main/a%20b"), "main/a b");
  assertEquals(nameBelow(anchor, "/debian/dists/sidx/main/Packages"), null);
});
