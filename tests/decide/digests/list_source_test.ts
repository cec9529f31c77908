import { assertEquals } from "@std/assert";
import { mayName, sourceOf } from "../../../src/decide/digests/list_source.ts";
import type { ListFormat } from "../../../src/decide/digests/parser_of.ts";
import { A64 } from "./list_samples.ts";

Deno.test("a request waits only for a list that may name its file", () => {
  const table: readonly [ListFormat, list: string, path: string, may: boolean][] = [
    ["apt-release", "/d/dists/sid/InRelease", "/d/dists/sid/main/Packages", true],
    ["apt-release", "/d/dists/sid/InRelease", "/d/dists/sid/InRelease", false],
    ["apt-release", "/d/dists/sid/InRelease", "/d/pool/a.deb", false],
    ["apt-packages", "/d/dists/sid/main/Packages.xz", "/d/pool/a.deb", true],
    ["apt-packages", "/d/dists/sid/main/Packages.xz", "/d/dists/sid/main/Sources", false],
    ["apt-packages", "/d/dists/sid/main/Packages.xz", "/ubuntu/pool/a.deb", false],
    ["apt-packages", "/flat/Packages", "/flat/a.deb", true],
    ["rpm-repomd", "/r/repodata/repomd.xml", "/r/repodata/primary.xml.gz", true],
    ["rpm-repomd", "/r/repodata/repomd.xml", "/r/Packages/a.rpm", false],
    ["rpm-primary", "/r/repodata/primary.xml.gz", "/r/Packages/a.rpm", true],
    ["simple-index", "/simple/foo-bar/", "/packages/aa/Foo_Bar-1.0.whl", true],
    ["simple-index", "/simple/foo-bar/", "/packages/aa/other-1.0.whl", false],
    ["npm-metadata", "/npm/foo", "/npm/foo/-/foo-1.0.0.tgz", true],
    ["npm-metadata", "/npm/@a%2Ffoo", "/npm/@a/foo/-/foo-1.0.0.tgz", true],
    ["npm-metadata", "/npm/foo", "/npm/bar/-/bar-1.0.0.tgz", false],
    ["cargo-index", "/c/se/rd/serde", "/c/crates/serde/1.0.0/download", true],
    ["cargo-index", "/c/se/rd/serde", "/c/crates/rand/1.0.0/download", false],
    ["go-sumdb", "/go/sumdb/s/lookup/a.org/!x@v1.0.0", "/go/a.org/!x/@v/v1.0.0.zip", true],
    ["go-sumdb", "/go/sumdb/s/lookup/a.org/!x@v1.0.0", "/go/a.org/y/@v/v1.0.0.zip", false],
    ["narinfo", "/n/abc.narinfo", "/n/nar/x.nar.xz", true],
    ["narinfo", "/n/abc.narinfo", "/n/def.narinfo", false],
    ["maven-checksum", "/m/a-1.jar.sha1", "/m/a-1.jar", true],
    ["maven-checksum", "/m/a-1.jar.sha1", "/m/a-1.pom", false],
    ["rubygems-index", "/g/info/foo", "/g/gems/foo-1.0.gem", true],
    ["rubygems-index", "/g/info/foo", "/g/gems/foobar-1.0.gem", false],
    ["pacman-db", "/a/core.db", "/a/x.pkg.tar.zst", true],
  ];
  for (const [format, list, path, may] of table) {
    assertEquals(mayName(format, list, path), may, `${list} ${path}`);
  }
});

Deno.test("a list is the same however it is packed, and whatever its name begins with", () => {
  assertEquals(sourceOf("apt-packages", "/d/Packages.xz"), "/d/Packages");
  assertEquals(sourceOf("apt-packages", "/d/Packages"), "/d/Packages");
  const primary = `/r/repodata/${A64}-primary.xml.zst`;
  assertEquals(sourceOf("rpm-primary", primary), "/r/repodata/primary.xml");
  assertEquals(sourceOf("rpm-repomd", "/r/repodata/repomd.xml"), "/r/repodata/repomd.xml");
});
