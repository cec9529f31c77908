import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import type { PublishedFile } from "../../src/decide/digests/digest.ts";
import { DigestIndex } from "../../src/storage/digest_index.ts";
import { tempDir } from "../support/temp_dir.ts";

function file(key: string, digit = "a", alias: string | null = null): PublishedFile {
  return { key, digest: { algorithm: "sha256", value: digit.repeat(64) }, size: 7, alias };
}

function add(index: DigestIndex, source: string, key: string, files: PublishedFile[]): void {
  const writer = index.begin({ source, key, version: "1" });
  writer.add(files);
  writer.finish();
}

function found(index: DigestIndex, key: string): string[] {
  return index.find(key).map(({ digest, list }) => `${digest.value.slice(0, 1)} ${list}`);
}

Deno.test("what lists say of a file is found, and nothing of another one", async () => {
  await using dir = await tempDir();
  const index = DigestIndex.open(join(dir.path, "digests.db"));
  const sha512 = { algorithm: "sha512", value: "0b".repeat(64) } as const;
  add(index, "/l", "/l.xz", [file("/a"), { ...file("/b"), digest: sha512, size: null }]);
  add(index, "/r", "/r", [file("/h/abc", "c", "/l.xz")]);
  assertEquals(index.find("/a"), [{
    digest: { algorithm: "sha256", value: "a".repeat(64) },
    size: 7,
    alias: null,
    list: "/l.xz",
  }]);
  assertEquals(index.find("/b").map(({ digest, size }) => [digest, size]), [[sha512, null]]);
  assertEquals(index.find("/h/abc").map(({ alias }) => alias), ["/l.xz"]);
  assertEquals(index.find("/c"), []);
  assertEquals(index.rows, 3);
  assertEquals(index.keysOf("/l"), ["/a", "/b"]);
  index.close();
});

Deno.test("a list takes the place of the one before, and both count until it is whole", async () => {
  await using dir = await tempDir();
  const index = DigestIndex.open(join(dir.path, "digests.db"));
  add(index, "/l", "/l.gz", [file("/a", "a"), file("/b", "b")]);
  const writer = index.begin({ source: "/l", key: "/l.xz", version: "2" });
  writer.add([file("/a", "c")]);
  assertEquals(found(index, "/a"), ["a /l.gz", "c /l.xz"]);
  writer.finish();
  assertEquals([found(index, "/a"), found(index, "/b")], [["c /l.xz"], []]);
  assertEquals(index.lists(), [{ source: "/l", key: "/l.xz", version: "2" }]);
  assertEquals(index.listOf("/l.gz"), null);
  while (index.clean());
  assertEquals([index.rows, found(index, "/a")], [1, ["c /l.xz"]]);
  index.close();
});

Deno.test("a list that could not be read to its end says nothing, and the old one counts", async () => {
  await using dir = await tempDir();
  const path = join(dir.path, "digests.db");
  let index = DigestIndex.open(path);
  add(index, "/l", "/l", [file("/a", "a")]);
  const writer = index.begin({ source: "/l", key: "/l", version: "2" });
  writer.add([file("/a", "b")]);
  writer.discard();
  assertEquals(found(index, "/a"), ["a /l"]);
  // The program ends in the middle of a third one.
  index.begin({ source: "/l", key: "/l", version: "3" }).add([file("/a", "c")]);
  index.close();
  index = DigestIndex.open(path);
  assertEquals(found(index, "/a"), ["a /l"]);
  while (index.clean());
  assertEquals([index.rows, found(index, "/a")], [1, ["a /l"]]);
  add(index, "/m", "/m", [file("/a", "d")]);
  assertEquals(found(index, "/a"), ["a /l", "d /m"]);
  index.close();
});

Deno.test("the lists that were read first go when there are too many rows", async () => {
  await using dir = await tempDir();
  const index = DigestIndex.open(join(dir.path, "digests.db"));
  for (const n of [1, 2, 3, 4]) {
    add(index, `/${n}`, `/${n}`, [file(`/${n}/a`), file(`/${n}/b`), file(`/${n}/c`)]);
  }
  index.shrink(12);
  assertEquals(index.rows, 12);
  index.shrink(7);
  assertEquals(index.lists().map(({ key }) => key), ["/3", "/4"]);
  assertEquals(found(index, "/1/a"), []);
  index.drop("/3");
  assertEquals(index.lists().map(({ key }) => key), ["/4"]);
  index.close();
});

Deno.test("a damaged file, or one of another version, is begun anew", async () => {
  await using dir = await tempDir();
  const path = join(dir.path, "digests.db");
  Deno.writeTextFileSync(path, "this is no database, but it is long enough ".repeat(100));
  let index = DigestIndex.open(path);
  add(index, "/l", "/l", [file("/a")]);
  index.rules = "some";
  index.close();
  index = DigestIndex.open(path);
  assertEquals([index.rows, index.rules], [1, "some"]);
  index.close();
  const bytes = Deno.readFileSync(path);
  // Bytes 60 to 63 of a database are its `user_version`.
  bytes[63] = 99;
  Deno.writeFileSync(path, bytes);
  index = DigestIndex.open(path);
  assertEquals([index.rows, index.rules], [0, ""]);
  assert(index.listOf("/l") === null);
  index.close();
});

Deno.test("other rules make all lists worth another look", async () => {
  await using dir = await tempDir();
  const index = DigestIndex.open(join(dir.path, "digests.db"));
  add(index, "/l", "/l", [file("/a")]);
  assertEquals(index.listOf("/l")?.version, "1");
  index.rules = "";
  assertEquals(index.listOf("/l")?.version, "");
  assertEquals(found(index, "/a"), ["a /l"]);
  index.close();
});
