import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { StorageError } from "../../src/errors.ts";
import { type Imported, importFiles, type ImportOptions } from "../../src/storage/import_files.ts";
import { TemporaryDirectory, TemporaryStorage } from "./support.ts";

const MODIFIED = new Date(Date.UTC(2020, 1, 2, 3, 4, 5));

/** A folder with these files in it. */
async function folderOf(
  files: Readonly<Record<string, string>>,
): Promise<TemporaryDirectory> {
  const folder = await TemporaryDirectory.make();
  for (const [path, text] of Object.entries(files)) {
    const file = join(folder.path, path);
    await Deno.mkdir(join(file, ".."), { recursive: true });
    await Deno.writeTextFile(file, text);
    await Deno.utime(file, MODIFIED, MODIFIED);
  }
  return folder;
}

async function imported(
  from: string,
  to: string,
  options: Partial<ImportOptions> = {},
): Promise<Imported[]> {
  const all = { from, to, replace: false, copy: false, ...options };
  const files = await Array.fromAsync(importFiles(all));
  return files.sort((a, b) => a.path < b.path ? -1 : 1);
}

Deno.test("files come to the same paths with their times, linked or copied, and are adopted", async () => {
  for (const copy of [false, true]) {
    await using source = await folderOf({ "deb/a b.deb": "package", "top": "1" });
    await using temporary = await TemporaryStorage.open();
    const { storage, data } = temporary;
    const files = await imported(source.path, data, { copy });
    assertEquals(files.map(({ path, size }) => [path, size]), [["deb/a b.deb", 7], ["top", 1]]);
    for (const { outcome } of files) {
      assert(copy ? outcome === "copied" : outcome === "linked" || outcome === "copied");
    }
    const entry = await storage.adopt("/deb/a%20b.deb");
    assertEquals([entry?.size, entry?.lastModified], [7, MODIFIED.getTime()]);
    assertEquals(temporary.partials(), []);
    assertEquals(await Deno.readTextFile(join(source.path, "top")), "1");
    if (!copy) continue;
    await Deno.writeTextFile(join(source.path, "top"), "changed");
    assertEquals(temporary.read("top"), "1");
  }
});

Deno.test("what is there stays, unless it is to be replaced", async () => {
  await using source = await folderOf({ a: "new", "dir/x": "new", "plain/x": "new" });
  await using target = await folderOf({ a: "old", plain: "in the way" });
  await Deno.mkdir(join(target.path, "dir/x"), { recursive: true });
  const first = await imported(source.path, target.path);
  assertEquals(first.map(({ path, outcome }) => [path, outcome]), [
    ["a", "there"],
    ["dir/x", "there"],
    ["plain/x", "failed"],
  ]);
  assertEquals(await Deno.readTextFile(join(target.path, "a")), "old");
  const second = await imported(source.path, target.path, { replace: true });
  assertEquals(second.map(({ outcome }) => outcome === "failed"), [false, true, true]);
  assertEquals(second[1]?.reason, "a file is in the way, or the name is too long");
  assertEquals(await Deno.readTextFile(join(target.path, "a")), "new");
  assertEquals(target.list(".cache-proxy/partial"), []);
});

Deno.test("a replaced copy is not served from the old entry", async () => {
  await using source = await folderOf({ a: "newer" });
  await using temporary = await TemporaryStorage.open();
  const { storage, data } = temporary;
  await temporary.put("a", "old");
  const old = await storage.adopt("/a");
  assert(old !== null);
  await imported(source.path, data, { replace: true });
  assertEquals(await storage.open(old), null);
  assertEquals((await storage.adopt("/a"))?.size, 5);
});

Deno.test("symbolic links are neither followed nor written through", async () => {
  await using outside = await folderOf({ secret: "secret" });
  await using source = await folderOf({ "out/x": "1", "in/y": "2" });
  await Deno.symlink(join(outside.path, "secret"), join(source.path, "link"));
  await Deno.symlink(outside.path, join(source.path, "linked"));
  await using target = await folderOf({ "real/z": "3" });
  await Deno.symlink(outside.path, join(target.path, "out"));
  await Deno.symlink("real", join(target.path, "in"));
  const files = await imported(source.path, target.path);
  assertEquals(files.map(({ path, outcome }) => [path, outcome === "failed"]), [
    ["in/y", false],
    ["out/x", true],
  ]);
  assertEquals(outside.list(), ["secret"]);
  assertEquals(await Deno.readTextFile(join(target.path, "real/y")), "2");
});

Deno.test("names that no client can ask for, and the state of another proxy, are left out", async () => {
  await using source = await folderOf({
    ".cache-proxy/index.db": "x",
    "a\\b": "1",
    "line\nfeed": "2",
    "good": "3",
  });
  await using target = await TemporaryDirectory.make();
  const files = await imported(source.path, target.path);
  assertEquals(files.map(({ path, reason }) => [path, reason]), [
    ["a\\b", "no client can ask for this name"],
    ["good", null],
    ["line\nfeed", "no client can ask for this name"],
  ]);
  assertEquals(target.list(), [".cache-proxy", "good"]);
});

Deno.test("folders that are inside each other, or are none, are refused", async () => {
  await using source = await folderOf({ "a/b": "1" });
  const { path } = source;
  for (const [from, to] of [[path, `${path}/data`], [`${path}/a`, path], [path, path]] as const) {
    await assertRejects(() => imported(from, to), StorageError, "inside each other");
  }
  await using target = await TemporaryDirectory.make();
  await assertRejects(() => imported(`${path}/none`, target.path), StorageError, "no folder");
  await assertRejects(() => imported(`${path}/a/b`, target.path), StorageError, "is no folder");
});
