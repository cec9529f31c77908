import { assertEquals, assertExists, assertRejects } from "@std/assert";
import { StorageError } from "../../src/errors.ts";
import type { LocalSystem } from "../../src/storage/local_system.ts";
import { LOCAL_SYSTEM } from "../../src/storage/local_system.ts";
import { BLOCK_BYTES } from "../../src/storage/space.ts";
import { bytes, FACTS, NOW, readEntry, store, TemporaryStorage } from "./support.ts";

// Small bodies that are put whole: as good as those that are written piece by piece.

const KEY = "/debian/hello.deb";

Deno.test("a body that is put is a file of the tree with its time, and an entry", async () => {
  await using local = await TemporaryStorage.open();
  const entry = await local.storage.put(KEY, bytes("hello"), FACTS);
  assertEquals(local.read("debian/hello.deb"), "hello");
  const { mtime } = Deno.statSync(`${local.data}/debian/hello.deb`);
  assertEquals(mtime?.getTime(), FACTS.lastModified);
  assertEquals(local.storage.find(KEY), entry);
  assertEquals(await readEntry(local.storage, entry), "hello");
  assertEquals([entry.size, entry.etag, entry.storedAt], [5, FACTS.etag, NOW]);
  assertEquals(local.partials(), []);
});

Deno.test("what is put is as what is stored piece by piece, whatever the key", async () => {
  await using one = await TemporaryStorage.open();
  await using other = await TemporaryStorage.open();
  const keys = ["/a", "/a/b", "/search?q=1", "/simple/", `/${"x".repeat(300)}`, "/%FF", "/"];
  for (const key of keys) {
    const put = await one.storage.put(key, bytes(key), FACTS);
    assertEquals(put, await store(other.storage, key, key));
    assertEquals(await readEntry(one.storage, put), key);
  }
  assertEquals(one.storage.usage(), other.storage.usage());
});

Deno.test("many that are put at once are all stored, one of two for the same key", async () => {
  await using local = await TemporaryStorage.open();
  const names = Array.from({ length: 100 }, (_, n) => `/folder-${n % 90 % 7}/${n % 90}`);
  const entries = await Promise.all(
    names.map((key, n) => local.storage.put(key, bytes(`${key} ${n}`), FACTS)),
  );
  assertEquals(entries.map(({ key }) => key), names);
  assertEquals(local.storage.usage(), { entries: 90, bytes: 90 * BLOCK_BYTES });
  for (const key of new Set(names)) {
    const found = local.storage.find(key);
    assertExists(found);
    assertEquals((await readEntry(local.storage, found))?.split(" ")[0], key);
  }
  const reopened = await local.restart();
  assertEquals(reopened.usage(), { entries: 90, bytes: 90 * BLOCK_BYTES });
});

Deno.test("a body that is put takes the place of an older one", async () => {
  await using local = await TemporaryStorage.open();
  await local.storage.put(KEY, bytes("old"), FACTS);
  const fresh = await local.storage.put(KEY, bytes("fresh"), { ...FACTS, storedAt: NOW + 1 });
  assertEquals(await readEntry(local.storage, fresh), "fresh");
  assertEquals(local.read("debian/hello.deb"), "fresh");
  assertEquals(local.storage.usage(), { entries: 1, bytes: BLOCK_BYTES });
});

Deno.test("nothing is put through a link that leads out of the data directory", async () => {
  await using local = await TemporaryStorage.open();
  const outside = `${local.directory.path}/outside`;
  await Deno.mkdir(outside);
  await Deno.symlink(outside, `${local.data}/debian`);
  const entry = await local.storage.put(KEY, bytes("hello"), FACTS);
  assertEquals(local.directory.list("outside"), []);
  assertEquals(await readEntry(local.storage, entry), "hello");
});

const FAULTS: [name: string, Partial<LocalSystem>][] = [
  ["the file cannot be created", {
    writeNew: () => {
      throw Object.assign(new Error("full"), { code: "ENOSPC" });
    },
    openFile: () => Promise.reject(Object.assign(new Error("full"), { code: "ENOSPC" })),
  }],
  ["the file lacks bytes", {
    writeNew: (path, body, time) => LOCAL_SYSTEM.writeNew?.(path, body.subarray(1), time) as never,
    openFile: () => Promise.reject(Object.assign(new Error("no"), { code: "EIO" })),
  }],
  ["the file cannot be renamed", {
    rename: () => {
      throw Object.assign(new Error("no"), { code: "EIO" });
    },
  }],
];

for (const [name, system] of FAULTS) {
  Deno.test(`nothing is left of a body that is put when ${name}`, async () => {
    await using local = await TemporaryStorage.open(system);
    await assertRejects(() => local.storage.put(KEY, bytes("hello"), FACTS), StorageError);
    assertEquals(local.storage.find(KEY), null);
    assertEquals([local.partials(), local.directory.list("data/debian")], [[], []]);
    assertEquals(local.storage.usage(), { entries: 0, bytes: 0 });
  });
}

Deno.test("a body that is put keeps to the limits, and makes others go", async () => {
  await using local = await TemporaryStorage.open({}, { maxBytes: 4 * BLOCK_BYTES });
  for (let n = 0; n < 10; n++) {
    await local.storage.put(`/${n}`, bytes("x"), { ...FACTS, storedAt: NOW + n });
    assertEquals(local.storage.usage().bytes <= 4 * BLOCK_BYTES, true);
  }
  assertExists(local.storage.find("/9"));
});
