import {
  assertEquals,
  assertExists,
  assertNotEquals,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { StorageError } from "../../src/errors.ts";
import type { Storage, Validation } from "../../src/storage/storage.ts";
import type { Entry, Key } from "../../src/types.ts";
import { bytes, FACTS, NOW, readEntry, readOpen, store } from "./support.ts";

/** An empty storage for one test, gone at the end of the scope. */
export interface StorageUnderTest extends AsyncDisposable {
  readonly storage: Storage;
}

const KEY = "/debian/pool/main/h/hello/hello_2.10-3_amd64.deb";

/** Keys that a plain tree can hold and keys that it cannot: no storage may tell them apart. */
const KEYS: readonly Key[] = [
  KEY,
  "/",
  "/simple/hello/",
  "/a//b",
  "/search?q=1",
  "/name%20with%20blanks",
  "/%C3%A9t%C3%A9.txt",
  "/not-utf8-%FF",
  `/${"x".repeat(300)}`,
  `/${"long/".repeat(1500)}end`,
  "/.cache-proxy/index.db",
];

const VALIDATION = { requestedAt: NOW + 4000, validatedAt: NOW + 5000 };

/** What every storage must do. `make` gives an empty one for each test. */
export function storageContract(name: string, make: () => Promise<StorageUnderTest>): void {
  function test(goal: string, run: (storage: Storage) => Promise<void>): void {
    Deno.test(`${name}: ${goal}`, async () => {
      await using under = await make();
      await run(under.storage);
    });
  }

  readingTests(test);
  writingTests(test);
  replacingTests(test);
  removingTests(test);
  keyTests(test);
}

type Test = (goal: string, run: (storage: Storage) => Promise<void>) => void;

function readingTests(test: Test): void {
  test("a key that was never stored has no entry", async (storage) => {
    assertEquals(storage.find(KEY), null);
    assertEquals(await storage.adopt(KEY), null);
  });

  test("a committed file is found with all its facts", async (storage) => {
    const entry = await store(storage, KEY, "hello");
    const { key, file: _, ...facts } = entry;
    assertEquals(key, KEY);
    const { receivedAt, ...same } = FACTS;
    assertEquals(facts, { ...same, size: 5, validatedAt: receivedAt });
    assertEquals(storage.find(KEY), entry);
  });

  test("an open entry gives the bytes and the entry", async (storage) => {
    const entry = await store(storage, KEY, "hello");
    using open = await storage.open(entry);
    assertExists(open);
    assertEquals(open.entry, entry);
    assertEquals(await readOpen(open), "hello");
  });

  test("an entry can be open several times", async (storage) => {
    const entry = await store(storage, KEY, "hello");
    using first = await storage.open(entry);
    using second = await storage.open(entry);
    assertExists(first);
    assertExists(second);
    assertEquals([await readOpen(first), await readOpen(second)], ["hello", "hello"]);
  });

  test("absent facts stay absent", async (storage) => {
    const entry = await store(storage, KEY, "", { etag: null, lastModified: null, headers: [] });
    assertEquals([entry.etag, entry.lastModified, entry.headers], [null, null, []]);
    assertEquals(storage.find(KEY), entry);
    assertEquals(await readEntry(storage, entry), "");
  });

  test("Last-Modified is cut to the second", async (storage) => {
    const entry = await store(storage, KEY, "x", { lastModified: NOW });
    assertEquals(entry.lastModified, NOW - 123);
    assertEquals(storage.find(KEY), entry);
  });

  test("an entry of a key that has none cannot be opened", async (storage) => {
    const entry: Entry = { ...await store(storage, KEY, "hello"), key: "/other" };
    assertEquals(await storage.open(entry), null);
  });

  test("uses and a second close do no harm", async (storage) => {
    await store(storage, KEY, "hello");
    storage.used(KEY, NOW);
    storage.used("/unknown", NOW);
    storage.close();
    storage.close();
    storage.used(KEY, NOW);
  });
}

function writingTests(test: Test): void {
  test("nothing is found before the commit", async (storage) => {
    await using partial = await storage.create(KEY, null);
    await partial.write(bytes("hello"));
    assertEquals(storage.find(KEY), null);
    assertEquals(await storage.adopt(KEY), null);
  });

  test("a growing file can be read up to what was written", async (storage) => {
    await using partial = await storage.create(KEY, null);
    assertEquals(partial.written, 0);
    await partial.write(bytes("hel"));
    assertEquals(partial.written, 3);
    assertEquals(await Deno.readTextFile(partial.path), "hel");
    await partial.write(bytes(""));
    await partial.write(bytes("lo"));
    assertEquals(partial.written, 5);
    assertEquals(await Deno.readTextFile(partial.path), "hello");
  });

  test("a reader of the growing file goes on after the commit", async (storage) => {
    await using partial = await storage.create(KEY, null);
    await partial.write(bytes("hello"));
    using reader = await Deno.open(partial.path);
    await partial.commit(FACTS);
    await assertRejects(() => Deno.stat(partial.path), Deno.errors.NotFound);
    const buffer = new Uint8Array(10);
    assertEquals(await reader.read(buffer), 5);
  });

  test("the chunk may be reused after a write", async (storage) => {
    const chunk = bytes("aaaa");
    await using partial = await storage.create(KEY, null);
    await partial.write(chunk);
    chunk.fill("b".charCodeAt(0));
    await partial.write(chunk);
    assertEquals(await readEntry(storage, await partial.commit(FACTS)), "aaaabbbb");
  });

  test("abort removes the file, again and again", async (storage) => {
    const partial = await storage.create(KEY, null);
    await partial.write(bytes("hello"));
    await partial.abort();
    await partial.abort();
    await assertRejects(() => Deno.stat(partial.path), Deno.errors.NotFound);
    assertEquals(storage.find(KEY), null);
    await assertRejects(() => partial.write(bytes("x")), StorageError);
    await assertRejects(() => partial.commit(FACTS), StorageError);
    assertEquals(storage.find(KEY), null);
  });

  test("whatever is not committed at the end of its scope is aborted", async (storage) => {
    let path: string;
    {
      await using partial = await storage.create(KEY, null);
      path = partial.path;
    }
    await assertRejects(() => Deno.stat(path), Deno.errors.NotFound);
  });

  test("abort after commit does nothing, a second commit fails", async (storage) => {
    const partial = await storage.create(KEY, null);
    await partial.write(bytes("hello"));
    const entry = await partial.commit(FACTS);
    await partial.abort();
    await assertRejects(() => partial.commit(FACTS), StorageError);
    await assertRejects(() => partial.write(bytes("x")), StorageError);
    assertEquals(storage.find(KEY), entry);
    assertEquals(await readEntry(storage, entry), "hello");
  });

  test("abort during commit does nothing", async (storage) => {
    const partial = await storage.create(KEY, null);
    await partial.write(bytes("hello"));
    const commit = partial.commit(FACTS);
    await partial.abort();
    assertEquals(await readEntry(storage, await commit), "hello");
  });

  test("two files of one key grow side by side, the last commit stays", async (storage) => {
    await using first = await storage.create(KEY, null);
    await using second = await storage.create(KEY, null);
    assertNotEquals(first.path, second.path);
    await first.write(bytes("first"));
    await second.write(bytes("second"));
    await second.commit({ ...FACTS, storedAt: NOW + 1 });
    const entry = await first.commit({ ...FACTS, storedAt: NOW + 2 });
    assertEquals(storage.find(KEY), entry);
    assertEquals(await readEntry(storage, entry), "first");
  });

  test("no commit after close", async (storage) => {
    const partial = await storage.create(KEY, null);
    await partial.write(bytes("hello"));
    storage.close();
    await assertRejects(() => partial.commit(FACTS), StorageError);
    await assertRejects(() => Deno.stat(partial.path), Deno.errors.NotFound);
  });
}

function replacingTests(test: Test): void {
  test("a second commit replaces the first, whose readers go on", async (storage) => {
    const old = await store(storage, KEY, "old");
    using reader = await storage.open(old);
    const fresh = await store(storage, KEY, "fresh", { etag: '"v2"', storedAt: NOW + 1 });
    assertEquals(storage.find(KEY), fresh);
    assertEquals(await readEntry(storage, fresh), "fresh");
    assertExists(reader);
    assertEquals(await readOpen(reader), "old");
  });

  test("a replaced entry cannot be opened, and its successor stays", async (storage) => {
    const old = await store(storage, KEY, "old");
    const fresh = await store(storage, KEY, "fresh", { storedAt: NOW + 1 });
    assertEquals(await storage.open(old), null);
    assertEquals(storage.find(KEY), fresh);
    assertEquals(await storage.adopt(KEY), fresh);
  });

  test("an open under way while the entry is replaced drops nothing", async (storage) => {
    const old = await store(storage, KEY, "old");
    await using partial = await storage.create(KEY, null);
    await partial.write(bytes("fresh"));
    const [, fresh] = await Promise.all([
      Promise.all(
        Array.from({ length: 20 }, async () => (await storage.open(old))?.[Symbol.dispose]()),
      ),
      partial.commit({ ...FACTS, storedAt: NOW + 1 }),
    ]);
    assertEquals(storage.find(KEY), fresh);
    assertEquals(await readEntry(storage, fresh), "fresh");
  });

  test("a validated entry has its new time, and opens as before", async (storage) => {
    const entry = await store(storage, KEY, "hello");
    const times = VALIDATION;
    const validated = storage.validated(entry, times);
    assertEquals(validated, { ...entry, ...times });
    assertEquals(storage.find(KEY), validated);
    assertEquals(await readEntry(storage, entry), "hello");
  });

  test("what an answer says of a copy that it vouches for takes the place of what was known", async (storage) => {
    const entry = await store(storage, KEY, "hello");
    const updates: Partial<Validation>[] = [
      { headers: [["content-type", "text/html"], ["age", "7"]] },
      { etag: '"v2"' },
      { etag: null, lastModified: null },
      { lastModified: FACTS.lastModified },
    ];
    let expected = entry;
    for (const update of updates) {
      expected = { ...expected, ...VALIDATION, ...update };
      assertEquals(storage.validated(entry, { ...VALIDATION, ...update }), expected);
      assertEquals(storage.find(KEY), expected);
      assertEquals(await readEntry(storage, expected), "hello");
    }
  });

  test("a replaced or unknown entry is not validated", async (storage) => {
    const old = await store(storage, KEY, "old");
    const fresh = await store(storage, KEY, "fresh", { storedAt: NOW + 1 });
    assertEquals(storage.validated(old, VALIDATION), null);
    assertEquals(storage.validated({ ...old, key: "/other" }, VALIDATION), null);
    assertEquals(storage.find(KEY), fresh);
  });
}

function removingTests(test: Test): void {
  test("a removed key has no entry and no bytes, and its readers go on", async (storage) => {
    const entry = await store(storage, KEY, "hello");
    using open = await storage.open(entry);
    assertEquals(await storage.remove(KEY), true);
    assertEquals([storage.find(KEY), await storage.adopt(KEY)], [null, null]);
    assertEquals(await storage.open(entry), null);
    assertExists(open);
    assertEquals(await readOpen(open), "hello");
    assertEquals(await storage.remove(KEY), false);
  });

  test("any key can be removed, and stored again", async (storage) => {
    for (const key of KEYS) await store(storage, key, key);
    for (const key of KEYS) assertEquals(await storage.remove(key), true, key);
    assertEquals(storage.usage(), { entries: 0, bytes: 0 });
    for (const key of KEYS) {
      const entry = await store(storage, key, key, { storedAt: NOW + 1 });
      assertEquals(await readEntry(storage, entry), key);
    }
  });

  test("a fill goes on when its key is removed", async (storage) => {
    await store(storage, KEY, "old");
    await using partial = await storage.create(KEY, 5);
    await storage.remove(KEY);
    await partial.write(bytes("fresh"));
    assertEquals(await readEntry(storage, await partial.commit(FACTS)), "fresh");
  });

  test("an entry that is disposed of twice is closed once", async (storage) => {
    const entry = await store(storage, KEY, "hello");
    const open = await storage.open(entry);
    assertExists(open);
    open[Symbol.dispose]();
    open[Symbol.dispose]();
    assertThrows(() => open.file.statSync());
    assertEquals(await readEntry(storage, entry), "hello");
  });

  test("usage is what is stored and what is reserved, in whole blocks", async (storage) => {
    assertEquals(storage.usage(), { entries: 0, bytes: 0 });
    await store(storage, KEY, "");
    assertEquals(storage.usage(), { entries: 1, bytes: 0 });
    await store(storage, KEY, "hello", { storedAt: NOW + 1 });
    await store(storage, "/b", "x".repeat(5000));
    assertEquals(storage.usage(), { entries: 2, bytes: 3 * 4096 });
    const partial = await storage.create("/c", 4097);
    assertEquals(storage.usage(), { entries: 2, bytes: 5 * 4096 });
    await partial.abort();
    assertEquals(storage.usage(), { entries: 2, bytes: 3 * 4096 });
  });
}

function keyTests(test: Test): void {
  test("any key can be stored, found, opened and replaced", async (storage) => {
    for (const key of KEYS) await store(storage, key, `old of ${key}`);
    for (const key of KEYS) await store(storage, key, key, { storedAt: NOW + 1 });
    for (const key of KEYS) {
      const entry = storage.find(key);
      assertExists(entry, key);
      assertEquals(await readEntry(storage, entry), key);
    }
  });

  test("a path and the paths below it are stored side by side, in any order", async (storage) => {
    const keys = ["/a/b", "/a", "/a/b/c", "/x", "/x/y", "/x/y/z"];
    for (const key of keys) await store(storage, key, key);
    for (const key of keys) {
      const entry = storage.find(key);
      assertExists(entry, key);
      assertEquals(await readEntry(storage, entry), key);
    }
  });

  test("the path of an entry is where its bytes are", async (storage) => {
    for (const key of KEYS) {
      const entry = await store(storage, key, key);
      assertEquals(await Deno.readTextFile(storage.pathOf(entry)), key);
    }
  });
}
