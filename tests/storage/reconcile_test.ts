import { assert, assertEquals, assertExists, assertRejects } from "@std/assert";
import fc from "fast-check";
import type { LocalStorage } from "../../src/storage/local_storage.ts";
import type { Reconciled } from "../../src/storage/reconcile.ts";
import type { Entry, HeaderList } from "../../src/types.ts";
import { HeldClock, NOW, readEntry, store, TemporaryStorage } from "./support.ts";

/** Later than whatever a test does to the disk. */
const LATER = Date.UTC(2100, 0, 1);

const HIDDEN = ".cache-proxy";

async function reconciled(storage: LocalStorage): Promise<Partial<Reconciled>> {
  const { complete, files: _, ...counts } = await storage.reconcile(new AbortController().signal);
  assert(complete);
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

async function readKey(storage: LocalStorage, key: string): Promise<string | null> {
  const entry = storage.find(key);
  return entry === null ? null : await readEntry(storage, entry);
}

function overflowFiles(local: TemporaryStorage, folder = "overflow"): string[] {
  const root = `${HIDDEN}/${folder}`;
  const folders = local.directory.list(`data/${root}`);
  return folders.flatMap((name) =>
    local.directory.list(`data/${root}/${name}`).map((file) => `${root}/${name}/${file}`)
  );
}

Deno.test("what index and tree agree on stays as it is", async () => {
  await using local = await TemporaryStorage.open();
  const keys = ["/a", "/pool/b", "/pool/c?d", "/e/"];
  const entries: Entry[] = [];
  for (const key of keys) entries.push(await store(local.storage, key, key));
  assertEquals(await reconciled(local.storage), {});
  assertEquals(keys.map((key) => local.storage.find(key)), entries);
});

Deno.test("an entry whose file was removed is dropped", async () => {
  await using local = await TemporaryStorage.open();
  await store(local.storage, "/pool/a", "hello");
  await store(local.storage, "/b?c", "hello");
  await store(local.storage, "/kept", "hello");
  await Deno.remove(`${local.data}/pool`, { recursive: true });
  for (const file of overflowFiles(local)) await Deno.remove(`${local.data}/${file}`);
  assertEquals(await reconciled(local.storage), { dropped: 2, orphans: 1 });
  assertEquals([local.storage.find("/pool/a"), local.storage.find("/b?c")], [null, null]);
  assertEquals(await readKey(local.storage, "/kept"), "hello");
  assertEquals(local.storage.usage().entries, 1);
});

Deno.test("a file that was changed or replaced by hand is adopted as it is now", async () => {
  await using local = await TemporaryStorage.open();
  for (const key of ["/a", "/b", "/c"]) await store(local.storage, key, "stored");
  await local.put("a", "edited by hand");
  await local.put("new", "another");
  await Deno.rename(`${local.data}/new`, `${local.data}/b`);
  assertEquals(await reconciled(local.storage), { changed: 2 });
  const texts = await Promise.all(["/a", "/b", "/c"].map((key) => readKey(local.storage, key)));
  assertEquals(texts, ["edited by hand", "another", "stored"]);
  assertEquals(local.storage.find("/a")?.etag, null);
  assertEquals(local.storage.find("/b")?.lastModified, NOW - 123);
});

Deno.test("files that somebody put in the tree are adopted under their keys", async () => {
  await using local = await TemporaryStorage.open();
  const files: Record<string, string> = {
    "top": "/top",
    "pool/main/h/hello 1%.deb": "/pool/main/h/hello%201%25.deb",
    "docs/Überblick": "/docs/%C3%9Cberblick",
    "a/.cache-proxy/x": "/a/.cache-proxy/x",
  };
  for (const file of Object.keys(files)) await local.put(file, file);
  assertEquals(await reconciled(local.storage), { adopted: 4 });
  for (const [file, key] of Object.entries(files)) {
    assertEquals(await readKey(local.storage, key), file);
  }
});

Deno.test("what can be no key's file is left alone, links are not followed", async () => {
  await using local = await TemporaryStorage.open();
  const outside = `${local.directory.path}/outside`;
  await Deno.mkdir(outside);
  await Deno.writeTextFile(`${outside}/secret`, "secret");
  await local.put("back\\slash", "x");
  await local.put("new\nline", "x");
  await Deno.symlink(outside, `${local.data}/folder`);
  await Deno.symlink(`${outside}/secret`, `${local.data}/file`);
  await Deno.symlink(local.data, `${local.data}/circle`);
  await Deno.mkdir(`${local.data}/empty/folder`, { recursive: true });
  assertEquals(await reconciled(local.storage), {});
  assertEquals(local.storage.usage().entries, 0);
  assertEquals(local.read("back\\slash") + local.read("new\nline"), "xx");
  assertEquals(Deno.readTextFileSync(`${outside}/secret`), "secret");
});

const ENCODED: HeaderList = [["content-type", "text/plain"], ["content-encoding", "gzip"]];

Deno.test("with the index lost, all that is cached is found again, and served as before", async () => {
  await using local = await TemporaryStorage.open();
  const hidden = [
    await store(local.storage, "/query?a=b", "with a query"),
    await store(local.storage, "/folder/", "with a slash"),
    await store(local.storage, "/encoded", "packed", { headers: ENCODED }),
    await store(local.storage, "/moved", "elsewhere", { status: 301 }),
    await store(local.storage, "/varies", "deutsch", { vary: [["accept-language", "de"]] }),
  ];
  const plain = await store(local.storage, "/pool/plain.txt", "in the tree");
  let storage = await local.restartWithoutIndex();
  assertEquals(await reconciled(storage), { adopted: 6 });
  for (const entry of hidden) assertEquals(storage.find(entry.key), entry);
  const found = storage.find(plain.key);
  assertExists(found);
  assertEquals([found.status, found.lastModified, found.etag], [200, plain.lastModified, null]);
  assertEquals(await readEntry(storage, found), "in the tree");

  // Before a pass, on use.
  storage = await local.restartWithoutIndex();
  for (const entry of hidden) assertEquals(await storage.adopt(entry.key), entry);
  assertEquals(await readKey(storage, "/moved"), "elsewhere");
});

Deno.test("no answer that a bare file cannot stand for is in the tree", async () => {
  await using local = await TemporaryStorage.open();
  await store(local.storage, "/a", "plain");
  await store(local.storage, "/a", "packed", { headers: ENCODED });
  assertEquals(local.directory.list("data"), [HIDDEN]);
  await store(local.storage, "/a", "plain again");
  assertEquals(local.read("a"), "plain again");
  assertEquals([overflowFiles(local), overflowFiles(local, "notes")], [[], []]);
});

Deno.test("an entry that is removed takes its note with it", async () => {
  await using local = await TemporaryStorage.open();
  await store(local.storage, "/a?b", "hello");
  await local.storage.remove("/a?b");
  assertEquals([overflowFiles(local), overflowFiles(local, "notes")], [[], []]);
});

Deno.test("a crash before the note is in place leaves none that fits another file", async () => {
  let alive = true;
  await using local = await TemporaryStorage.open({
    rename(from, to) {
      Deno.renameSync(from, to);
      // What would follow in the same turn does not happen.
      if (!alive) throw new Error("the process ends here");
    },
  });
  await store(local.storage, "/a", "plain1", { headers: ENCODED });
  alive = false;
  // The same length, the same time.
  await assertRejects(() => store(local.storage, "/a", "plain2", { vary: [["x", "y"]] }));
  const storage = await local.restartWithoutIndex();
  assertEquals(await storage.adopt("/a"), null);
});

Deno.test("a note that was lost is written again, before the index is lost too", async () => {
  await using local = await TemporaryStorage.open();
  const entry = await store(local.storage, "/a?b", "hello");
  for (const damage of ["", "{}", "not JSON", JSON.stringify({ entry, modifiedAt: 1 }), null]) {
    const [note = ""] = overflowFiles(local, "notes");
    if (damage === null) await Deno.remove(`${local.data}/${note}`);
    else await local.put(note, damage);
    assertEquals(await reconciled(local.storage), {});
    const storage = await local.restartWithoutIndex();
    assertEquals(await storage.adopt("/a?b"), entry);
  }
});

Deno.test("a file without row and note is nobody's: it goes unless it has just come", async () => {
  const clock = new HeldClock(LATER);
  await using local = await TemporaryStorage.open({ clock });
  const entry = await store(local.storage, "/a?b", "kept");
  const hash = "ab".repeat(32);
  const orphans = [`overflow/ab/${hash}`, `notes/ab/${hash}.deb.json`, "notes/ab/x", "overflow/y"];
  for (const file of orphans) await local.put(`${HIDDEN}/${file}`, "orphan");
  clock.instant = NOW;
  assertEquals(await reconciled(local.storage), {});
  clock.instant = LATER;
  assertEquals(await reconciled(local.storage), { orphans: 4 });
  assertEquals(overflowFiles(local), [entry.file]);
  assertEquals(await readKey(local.storage, "/a?b"), "kept");
  assertEquals(local.partials(), []);
});

Deno.test("an overflow file that was changed by hand is adopted, unless its bytes need more", async () => {
  const clock = new HeldClock(LATER);
  await using local = await TemporaryStorage.open({ clock });
  await store(local.storage, "/a?b", "hello");
  await store(local.storage, "/packed", "packed", { headers: ENCODED });
  for (const file of overflowFiles(local)) await local.put(file, "by hand", NOW + 5000);
  assertEquals(await reconciled(local.storage), { changed: 1, dropped: 1, orphans: 2 });
  assertEquals(await readKey(local.storage, "/a?b"), "by hand");
  assertEquals(local.storage.find("/packed"), null);
  // The file is as good as any other from now on.
  await reconciled(local.storage);
  const storage = await local.restartWithoutIndex();
  assertEquals((await storage.adopt("/a?b"))?.size, 7);
});

Deno.test("of indexes that were set aside the last is kept", async () => {
  await using local = await TemporaryStorage.open();
  const names = ["20240506T070809Z", "20250101T000000Z-wal", "20250101T000000Z"];
  for (const name of names) await local.put(`${HIDDEN}/index.db.corrupt-${name}`, "old");
  await local.put(`${HIDDEN}/index.db.of-the-owner`, "old");
  assertEquals(await reconciled(local.storage), { orphans: 1 });
  const kept = local.directory.list(`data/${HIDDEN}`).filter((name) => /^index\.db\./.test(name));
  assertEquals(kept, [
    "index.db.corrupt-20250101T000000Z",
    "index.db.corrupt-20250101T000000Z-wal",
    "index.db.of-the-owner",
  ]);
});

Deno.test("an unfinished file is not touched, and ends as the entry whatever was put there", async () => {
  await using local = await TemporaryStorage.open();
  await using partial = await local.storage.create("/pool/a", null);
  await partial.write(new TextEncoder().encode("filled"));
  await local.put("pool/a", "by hand");
  assertEquals(await reconciled(local.storage), { adopted: 1 });
  await store(local.storage, "/other", "x");
  const facts = { status: 200, headers: [], vary: [], etag: null, lastModified: NOW };
  const times = { requestedAt: NOW, receivedAt: NOW, storedAt: NOW };
  await partial.commit({ ...facts, ...times, upstream: "first" });
  assertEquals(await reconciled(local.storage), {});
  assertEquals(await readKey(local.storage, "/pool/a"), "filled");
});

Deno.test("a pass that is stopped stops, and what it has not done is done by the next", async () => {
  await using local = await TemporaryStorage.open();
  for (let n = 0; n < 300; n++) await local.put(`pool/${n}`, "x");
  const stopping = new AbortController();
  const pass = local.storage.reconcile(stopping.signal);
  stopping.abort();
  assertEquals((await pass).complete, false);
  const { entries } = local.storage.usage();
  assert(entries < 300);
  assertEquals(await reconciled(local.storage), { adopted: 300 - entries });
});

Deno.test("whatever is published and removed during a pass is neither lost nor doubled", async () => {
  const keys = ["/a", "/pool/b", "/c?d", "/e/", "/f"];
  const action = fc.record({
    key: fc.constantFrom(...keys),
    kind: fc.constantFrom("plain", "encoded", "remove", "pause"),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 30 }), async (actions) => {
      await using local = await TemporaryStorage.open({ clock: new HeldClock(LATER) });
      const expected = new Map<string, string>();
      for (const key of keys) await store(local.storage, key, "first");
      for (const key of keys) expected.set(key, "first");
      const signal = new AbortController().signal;
      let over = false;
      const passes = (async () => {
        while (!over) await local.storage.reconcile(signal);
      })();
      for (const [n, { key, kind }] of actions.entries()) {
        if (kind === "pause") {
          await new Promise((resolve) => setTimeout(resolve));
        } else if (kind === "remove") {
          await local.storage.remove(key);
          expected.delete(key);
        } else {
          const headers = kind === "encoded" ? { headers: ENCODED } : {};
          await store(local.storage, key, `${n}`, { storedAt: NOW + n, ...headers });
          expected.set(key, `${n}`);
        }
        for (const key of keys) {
          assertEquals(await readKey(local.storage, key), expected.get(key) ?? null);
        }
      }
      over = true;
      await passes;
      assertEquals(await reconciled(local.storage), {});
      assertEquals(local.storage.usage().entries, expected.size);
      const storage = await local.restartWithoutIndex();
      await reconciled(storage);
      for (const key of keys) assertEquals(await readKey(storage, key), expected.get(key) ?? null);
    }),
    { numRuns: 40 },
  );
});

Deno.test("an adopted file counts as used now, however long it has been there", async () => {
  const clock = new HeldClock(LATER);
  await using local = await TemporaryStorage.open({ clock }, { inactiveMs: 3_600_000 });
  await local.put("a", "hello");
  assertEquals(await reconciled(local.storage), { adopted: 1 });
  // The sweep for what is out of use.
  clock.fire();
  assertEquals(await readKey(local.storage, "/a"), "hello");
});
