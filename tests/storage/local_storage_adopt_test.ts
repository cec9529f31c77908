import { assert, assertEquals, assertExists } from "@std/assert";
import type { Entry } from "../../src/types.ts";
import { NOW, readEntry, store, TemporaryStorage } from "./support.ts";

Deno.test("a file that somebody put in the tree is adopted with its mtime", async () => {
  await using local = await TemporaryStorage.open();
  await local.put("pool/hello.deb", "hello", NOW);
  const changedAt = Number(Deno.statSync(`${local.data}/pool/hello.deb`).ctime);
  const entry = await local.storage.adopt("/pool/hello.deb");
  assertExists(entry);
  assertEquals(entry, {
    key: "/pool/hello.deb",
    status: 200,
    file: "pool/hello.deb",
    size: 5,
    etag: null,
    lastModified: NOW - 123,
    headers: [["content-type", "application/x-debian-package"]],
    upstream: null,
    storedAt: changedAt,
    requestedAt: changedAt,
    validatedAt: changedAt,
    vary: [],
  });
  assertEquals(local.storage.find("/pool/hello.deb"), entry);
  assertEquals(await readEntry(local.storage, entry), "hello");
});

Deno.test("an adopted entry is kept across a restart", async () => {
  await using local = await TemporaryStorage.open();
  await local.put("a", "hello");
  const entry = await local.storage.adopt("/a");
  assertEquals((await local.restart()).find("/a"), entry);
});

Deno.test("a published file is adopted after the index is lost", async () => {
  await using local = await TemporaryStorage.open();
  const { lastModified } = await store(local.storage, "/a.json", "{}");
  const storage = await local.restartWithoutIndex();
  assertEquals(storage.find("/a.json"), null);
  const adopted = await storage.adopt("/a.json");
  assertExists(adopted);
  assertEquals(adopted.lastModified, lastModified);
  assertEquals(await readEntry(storage, adopted), "{}");
});

Deno.test("the content type comes from the extension and is never an encoding", async () => {
  const cases: Record<string, string | null> = {
    "index.html": "text/html",
    "a.JSON": "application/json",
    "Packages.gz": "application/gzip",
    "Packages.xz": "application/x-xz",
    "data.tar.gz": "application/gzip",
    "Release": null,
    "hello.unheard-of": null,
    ".json": null,
  };
  await using local = await TemporaryStorage.open();
  for (const [name, type] of Object.entries(cases)) {
    await local.put(`dist/${name}`, "x");
    const entry = await local.storage.adopt(`/dist/${name}`);
    assertEquals(entry?.headers, type === null ? [] : [["content-type", type]], name);
  }
});

Deno.test("the time of storing is not later than now", async () => {
  const clock = { now: () => 1000, after: () => () => {} };
  await using local = await TemporaryStorage.open({ clock });
  await local.put("a", "hello", 0);
  const entry = await local.storage.adopt("/a");
  assertEquals([entry?.storedAt, entry?.validatedAt], [1000, 1000]);
});

Deno.test("a time of modification in the future is none", async () => {
  await using local = await TemporaryStorage.open();
  await local.put("a", "hello", Date.now() + 3_600_000);
  const entry = await local.storage.adopt("/a");
  assertExists(entry);
  assertEquals(entry.lastModified, null);
  assertEquals(await readEntry(local.storage, entry), "hello");
});

Deno.test("what is published while a file is being adopted stays", async () => {
  await using local = await TemporaryStorage.open();
  await local.put("a", "by hand");
  const { lstat } = Deno;
  let published: Entry | null = null;
  try {
    Deno.lstat = async (path) => {
      const info = await lstat(path);
      published ??= await store(local.storage, "/a", "published");
      return info;
    };
    assertEquals(await local.storage.adopt("/a"), published);
  } finally {
    Deno.lstat = lstat;
  }
  assertExists(published);
  assertEquals(local.storage.find("/a"), published);
});

Deno.test("only a regular file is adopted", async () => {
  await using local = await TemporaryStorage.open();
  await Deno.mkdir(`${local.data}/folder`);
  await local.put("file", "x");
  const made = await new Deno.Command("mkfifo", { args: [`${local.data}/fifo`] }).output();
  assert(made.success);
  for (const key of ["/folder", "/fifo", "/file/below", "/missing", "/", `/${"x".repeat(255)}`]) {
    assertEquals(await local.storage.adopt(key), null, key);
  }
});

Deno.test("our own files and unfinished ones are not adopted", async () => {
  await using local = await TemporaryStorage.open();
  await using partial = await local.storage.create("/a", null);
  const name = partial.path.slice(local.data.length);
  await Deno.symlink(`${local.data}/.cache-proxy`, `${local.data}/state`);
  await Deno.symlink(partial.path, `${local.data}/unfinished`);
  const keys = [name, "/.cache-proxy/index.db", "/state/index.db", "/state/lock", "/unfinished"];
  for (const key of keys) assertEquals(await local.storage.adopt(key), null, key);
});

Deno.test("a link inside the data directory is followed", async () => {
  await using local = await TemporaryStorage.open();
  await local.put("pool/hello", "hello");
  await Deno.symlink("pool", `${local.data}/mirror`);
  await Deno.symlink("pool/hello", `${local.data}/latest`);
  for (const [key, file] of [["/mirror/hello", "mirror/hello"], ["/latest", "latest"]] as const) {
    const entry = await local.storage.adopt(key);
    assertExists(entry, key);
    assertEquals(entry.file, file);
    assertEquals(await readEntry(local.storage, entry), "hello");
  }
});

Deno.test("a link out of the data directory is not followed, nor one that leads nowhere", async () => {
  await using local = await TemporaryStorage.open();
  const outside = `${local.directory.path}/outside`;
  // Its name begins as the data directory's does.
  const sibling = `${local.directory.path}/data-of-others`;
  for (const folder of [outside, sibling]) {
    await Deno.mkdir(folder);
    await Deno.writeTextFile(`${folder}/secret`, "secret");
  }
  await Deno.symlink(outside, `${local.data}/folder`);
  await Deno.symlink(sibling, `${local.data}/sibling`);
  await Deno.symlink(`${outside}/secret`, `${local.data}/file`);
  await Deno.symlink("nowhere", `${local.data}/dangling`);
  await Deno.symlink("loop", `${local.data}/loop`);
  for (const key of ["/folder/secret", "/sibling/secret", "/file", "/dangling", "/loop"]) {
    assertEquals(await local.storage.adopt(key), null, key);
  }
});

Deno.test("a link out that takes the place of a stored file is not read", async () => {
  await using local = await TemporaryStorage.open();
  const entry = await store(local.storage, "/pool/a", "hello");
  const outside = `${local.directory.path}/outside`;
  await Deno.mkdir(outside);
  await Deno.writeTextFile(`${outside}/a`, "other");
  const time = (entry.lastModified ?? 0) / 1000;
  await Deno.utime(`${outside}/a`, time, time);
  await Deno.remove(`${local.data}/pool`, { recursive: true });
  await Deno.symlink(outside, `${local.data}/pool`);
  assertEquals(await local.storage.open(entry), null);
  assertEquals(local.storage.find("/pool/a"), null);
  assertEquals(await local.storage.adopt("/pool/a"), null);
});

Deno.test("a folder that leads out is not written to, the file goes aside", async () => {
  await using local = await TemporaryStorage.open();
  const outside = `${local.directory.path}/outside`;
  await Deno.mkdir(outside);
  await Deno.symlink(outside, `${local.data}/pool`);
  for (const key of ["/pool/a", "/pool/new/folder/a"]) {
    const entry = await store(local.storage, key, "hello");
    assert(entry.file.startsWith(".cache-proxy/overflow/"), entry.file);
    assertEquals(await readEntry(local.storage, entry), "hello");
  }
  assertEquals([...Deno.readDirSync(outside)], []);
});

Deno.test("a folder that leads to our own state is not written to", async () => {
  await using local = await TemporaryStorage.open();
  await Deno.symlink(".cache-proxy", `${local.data}/state`);
  const entry = await store(local.storage, "/state/index.db", "hello");
  assert(entry.file.startsWith(".cache-proxy/overflow/"), entry.file);
  assertEquals((await local.restart()).find("/state/index.db"), entry);
});

Deno.test("a link in the place of a file is replaced, what it leads to stays", async () => {
  await using local = await TemporaryStorage.open();
  const outside = `${local.directory.path}/outside`;
  await Deno.writeTextFile(outside, "untouched");
  await Deno.symlink(outside, `${local.data}/a`);
  const entry = await store(local.storage, "/a", "hello");
  assertEquals(entry.file, "a");
  assert(Deno.lstatSync(`${local.data}/a`).isFile);
  assertEquals(Deno.readTextFileSync(outside), "untouched");
});
