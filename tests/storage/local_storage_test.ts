import { assert, assertEquals, assertExists, assertMatch, assertRejects } from "@std/assert";
import { StorageError } from "../../src/errors.ts";
import { LocalStorage } from "../../src/storage/local_storage.ts";
import { storageContract } from "./storage_contract.ts";
import { NO_LIMITS } from "../support/no_limits.ts";
import {
  bytes,
  FACTS,
  HeldClock,
  NOW,
  readEntry,
  store,
  TemporaryDirectory,
  TemporaryStorage,
} from "./support.ts";

storageContract("LocalStorage", () => TemporaryStorage.open());

Deno.test("a key's file stands in the tree under its decoded path", async () => {
  await using local = await TemporaryStorage.open();
  const entry = await store(local.storage, "/pool/h%20i/caf%C3%A9.deb", "hello");
  assertEquals(entry.file, "pool/h i/café.deb");
  assertEquals(local.read("pool/h i/café.deb"), "hello");
  assertEquals(local.storage.pathOf(entry), `${local.data}/pool/h i/café.deb`);
  assertEquals(local.partials(), []);
});

Deno.test("a published file has Last-Modified as its mtime, or else the time of storing", async () => {
  await using local = await TemporaryStorage.open();
  await store(local.storage, "/dated", "x", { lastModified: NOW - 5000 });
  await store(local.storage, "/undated", "x", { lastModified: null, storedAt: NOW });
  const times = ["dated", "undated"].map((name) => Deno.statSync(`${local.data}/${name}`).mtime);
  assertEquals(times.map(Number), [NOW - 5000 - 123, NOW - 123]);
});

Deno.test("entries are there after a restart, with what was validated", async () => {
  await using local = await TemporaryStorage.open();
  const entry = await store(local.storage, "/a", "hello");
  const validated = local.storage.validated(entry, { requestedAt: NOW + 6, validatedAt: NOW + 7 });
  const storage = await local.restart();
  assertEquals(storage.find("/a"), validated);
  assertEquals(await readEntry(storage, entry), "hello");
});

Deno.test("an unfinished file is named by the pattern", async () => {
  const cases = [
    ["temp.*", /^temp\.[0-9a-f-]{36}$/],
    ["*.part", /^[0-9a-f-]{36}\.part$/],
    ["a*b*c", /^a\*b[0-9a-f-]{36}c$/],
    ["plain", /^plain[0-9a-f-]{36}$/],
    ["", /^[0-9a-f-]{36}$/],
  ] as const;
  for (const [temporaryFilePattern, expected] of cases) {
    await using directory = await TemporaryDirectory.make();
    const storage = await LocalStorage.open({
      path: directory.path,
      temporaryFilePattern,
      limits: NO_LIMITS,
    });
    const partial = await storage.create("/a", null);
    await partial.begin();
    const [name = ""] = directory.list(".cache-proxy/partial");
    assertMatch(name, expected);
    assertEquals(partial.path, `${directory.path}/.cache-proxy/partial/${name}`);
    await partial.abort();
    storage.close();
  }
});

Deno.test("a pattern that would leave its folder is refused", async () => {
  await using directory = await TemporaryDirectory.make();
  for (const temporaryFilePattern of ["../*", "a/b*", "a\0*", "a\\*"]) {
    await assertRejects(
      () => LocalStorage.open({ path: directory.path, temporaryFilePattern, limits: NO_LIMITS }),
      StorageError,
      "Cannot name unfinished files",
    );
  }
  assertEquals(directory.list(), []);
});

Deno.test("a file keeps its place when its folder's path becomes a key", async () => {
  await using local = await TemporaryStorage.open();
  const below = await store(local.storage, "/a/b", "below");
  const above = await store(local.storage, "/a", "above");
  assertEquals(below.file, "a/b");
  assertMatch(above.file, /^\.cache-proxy\/overflow\//);
  assertEquals(await readEntry(local.storage, below), "below");
});

Deno.test("a file keeps its place when a key needs it as a folder", async () => {
  await using local = await TemporaryStorage.open();
  const above = await store(local.storage, "/a", "above");
  for (const key of ["/a/b", "/a/b/c"]) {
    assertMatch((await store(local.storage, key, key)).file, /^\.cache-proxy\/overflow\//);
  }
  assertEquals(above.file, "a");
  assertEquals(await readEntry(local.storage, above), "above");
});

Deno.test("a file moves into the tree once its place is free, the old one is removed", async () => {
  await using local = await TemporaryStorage.open();
  await local.put("a/b", "in the way");
  const aside = await store(local.storage, "/a", "aside");
  await Deno.remove(`${local.data}/a`, { recursive: true });
  const placed = await store(local.storage, "/a", "placed", { storedAt: NOW + 1 });
  assertEquals(placed.file, "a");
  assertEquals(await readEntry(local.storage, placed), "placed");
  await assertRejects(() => Deno.stat(local.storage.pathOf(aside)), Deno.errors.NotFound);
});

Deno.test("a folder made by hand in a file's place stays, the file goes aside", async () => {
  await using local = await TemporaryStorage.open();
  const placed = await store(local.storage, "/a", "placed");
  await Deno.remove(`${local.data}/a`);
  await Deno.mkdir(`${local.data}/a`);
  const aside = await store(local.storage, "/a", "aside", { storedAt: NOW + 1 });
  assert(aside.file !== placed.file);
  assert(Deno.statSync(`${local.data}/a`).isDirectory);
  assertEquals(await readEntry(local.storage, aside), "aside");
});

Deno.test("what could not stand in the tree is adopted from aside without an index", async () => {
  await using local = await TemporaryStorage.open();
  const keys = ["/a/b", "/a", "/search.json?q=1", "/simple/", `/${"x".repeat(300)}`];
  for (const key of keys) await store(local.storage, key, key);
  const storage = await local.restartWithoutIndex();
  for (const key of keys) {
    const entry = await storage.adopt(key);
    assertExists(entry, key);
    assertEquals(await readEntry(storage, entry), key);
  }
});

Deno.test("a file removed by hand is dropped, and nothing is adopted", async () => {
  await using local = await TemporaryStorage.open();
  const entry = await store(local.storage, "/a/b", "hello");
  await Deno.remove(`${local.data}/a`, { recursive: true });
  assertEquals(local.storage.find("/a/b"), entry);
  assertEquals(await local.storage.open(entry), null);
  assertEquals(local.storage.find("/a/b"), null);
  assertEquals(await local.storage.adopt("/a/b"), null);
});

Deno.test("a file whose folder became a file is dropped", async () => {
  await using local = await TemporaryStorage.open();
  const entry = await store(local.storage, "/a/b", "hello");
  await Deno.remove(`${local.data}/a`, { recursive: true });
  await local.put("a", "a file");
  assertEquals(await local.storage.open(entry), null);
  assertEquals(local.storage.find("/a/b"), null);
});

Deno.test("a file changed by hand is dropped, then adopted as it is", async () => {
  const path = "pool/hello.txt";
  const changes: Record<string, (local: TemporaryStorage) => Promise<void>> = {
    "other size": (local) => local.put(path, "longer than before", FACTS.lastModified ?? 0),
    "other time": (local) => local.put(path, "jello", NOW),
    "other file of same size and time": async (local) => {
      await local.put("new", "jello", FACTS.lastModified ?? 0);
      await Deno.rename(`${local.data}/new`, `${local.data}/${path}`);
    },
  };
  for (const [name, change] of Object.entries(changes)) {
    await using local = await TemporaryStorage.open();
    const entry = await store(local.storage, `/${path}`, "hello");
    await change(local);
    assertEquals(await local.storage.open(entry), null, name);
    assertEquals(local.storage.find(entry.key), null, name);
    const adopted = await local.storage.adopt(entry.key);
    assertExists(adopted, name);
    assertEquals([adopted.etag, adopted.upstream], [null, null], name);
    assertEquals(await readEntry(local.storage, adopted), local.read(path), name);
  }
});

Deno.test("the rename that replaces a file frees none of its bytes", async () => {
  const names: (number | null)[] = [];
  await using local = await TemporaryStorage.open({
    rename(from, to) {
      names.push(names.length === 0 ? null : Deno.statSync(to).nlink);
      Deno.renameSync(from, to);
    },
  });
  await store(local.storage, "/a", "old");
  await store(local.storage, "/a", "fresh", { storedAt: NOW + 1 });
  assertEquals(names, [null, 2]);
  assertEquals(local.partials(), []);
});

Deno.test("uses wait on no timer once the storage is closed", async () => {
  const clock = new HeldClock();
  await using local = await TemporaryStorage.open({ clock });
  const before = clock.timers;
  local.storage.used("/a", NOW);
  assertEquals(clock.timers, before + 1);
  local.storage.close();
  local.storage.used("/a", NOW);
  assertEquals(clock.timers, 0);
});

Deno.test("uses are kept across restarts and replacements", async () => {
  await using local = await TemporaryStorage.open();
  await store(local.storage, "/a", "hello");
  local.storage.used("/a", NOW + 10);
  local.storage.used("/a", NOW + 5);
  await local.restart();
  await store(local.storage, "/a", "again", { storedAt: NOW + 7 });
  local.storage.close();
  const { DatabaseSync } = await import("node:sqlite");
  const database = new DatabaseSync(`${local.data}/.cache-proxy/index.db`);
  const row = database.prepare("SELECT hits, last_used FROM entries").get();
  database.close();
  assertEquals({ ...row }, { hits: 2, last_used: NOW + 10 });
});

Deno.test("many fills at once end as many entries", async () => {
  await using local = await TemporaryStorage.open();
  const keys = Array.from({ length: 50 }, (_, n) => `/deep/${n % 5}/folder/${n}`);
  await Promise.all(keys.map((key) => store(local.storage, key, key)));
  for (const key of keys) assertEquals(local.read(key.slice(1)), key);
  assertEquals(local.partials(), []);
});

Deno.test("a crash before the rename leaves the old entry", async () => {
  await using local = await TemporaryStorage.open();
  const old = await store(local.storage, "/a", "old");
  const partial = await local.storage.create("/a", null);
  await partial.write(bytes("fresh"));
  // The process ends here: nothing is aborted.
  const storage = await local.restart();
  assertEquals(local.partials(), []);
  assertEquals(storage.find("/a"), old);
  assertEquals(await readEntry(storage, old), "old");
  await partial.abort();
});
