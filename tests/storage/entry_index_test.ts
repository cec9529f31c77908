import { assert, assertEquals } from "@std/assert";
import { EntryIndex, type IndexedFile } from "../../src/storage/entry_index.ts";
import { FACTS, NOW, TemporaryDirectory } from "./support.ts";

const { receivedAt, ...SAME } = FACTS;

const INDEXED: IndexedFile = {
  entry: { ...SAME, key: "/a", file: "a", size: 5, validatedAt: receivedAt },
  identity: { size: 5, modifiedAt: NOW, inode: 7 },
};

async function withIndex(run: (index: EntryIndex) => void): Promise<void> {
  await using directory = await TemporaryDirectory.make();
  const index = new EntryIndex(`${directory.path}/index.db`, { now: () => NOW });
  run(index);
  index.close();
}

Deno.test("what goes in comes out, at the bounds of the numbers too", async () => {
  const { entry, identity } = INDEXED;
  const cases: IndexedFile[] = [
    INDEXED,
    { entry: { ...entry, etag: null, lastModified: null, upstream: null, headers: [] }, identity },
    { entry: { ...entry, headers: [["a", "1"], ["a", '\u00e9 "quoted"']] }, identity },
    { entry: { ...entry, lastModified: -62135596800000 }, identity },
    { entry: { ...entry, lastModified: 253402300799000 }, identity },
    // Some file systems have inode numbers of 64 bits.
    { entry, identity: { ...identity, modifiedAt: -1, inode: 2 ** 64 } },
    { entry: { ...entry, size: 2 ** 53 - 1 }, identity: { ...identity, size: 2 ** 53 - 1 } },
  ];
  await withIndex((index) => {
    for (const indexed of cases) {
      index.replace(indexed);
      assertEquals(index.find("/a"), indexed);
    }
  });
});

Deno.test("only the very file is dropped", async () => {
  const { entry, identity } = INDEXED;
  const others: IndexedFile[] = [
    { entry: { ...entry, key: "/b" }, identity },
    { entry: { ...entry, file: "b" }, identity },
    { entry: { ...entry, storedAt: NOW + 1 }, identity },
    { entry, identity: { ...identity, size: 6 } },
    { entry, identity: { ...identity, modifiedAt: NOW + 1 } },
    { entry, identity: { ...identity, inode: 8 } },
  ];
  await withIndex((index) => {
    index.replace(INDEXED);
    for (const other of others) index.drop(other);
    assertEquals(index.find("/a"), INDEXED);
    index.drop({ entry: { ...entry, validatedAt: NOW + 1 }, identity });
    assertEquals(index.find("/a"), null);
  });
});

Deno.test("a file is added where the key has none, and replaces nothing", async () => {
  await withIndex((index) => {
    index.add(INDEXED);
    index.add({ ...INDEXED, identity: { ...INDEXED.identity, inode: 8 } });
    assertEquals(index.find("/a"), INDEXED);
  });
});

Deno.test("writing does not wait for the disk every thousand pages", async () => {
  await using directory = await TemporaryDirectory.make();
  const path = `${directory.path}/index.db`;
  const index = new EntryIndex(path, { now: () => NOW });
  const { entry, identity } = INDEXED;
  const before = Deno.statSync(path).size;
  // Some 5 pages each, and SQLite's own bound is 1,000.
  for (let n = 0; n < 1000; n++) index.replace({ entry: { ...entry, key: `/${n}` }, identity });
  assertEquals(Deno.statSync(path).size, before);
  index.close();
  assert(Deno.statSync(path).size > before);
});
