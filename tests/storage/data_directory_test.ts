import { assert, assertEquals, assertRejects } from "@std/assert";
import { StorageError } from "../../src/errors.ts";
import { LocalStorage } from "../../src/storage/local_storage.ts";
import { NO_LIMITS } from "../support/no_limits.ts";
import { store, TemporaryDirectory, TemporaryStorage } from "./support.ts";

async function open(path: string): Promise<LocalStorage> {
  return await LocalStorage.open({ path, temporaryFilePattern: "temp.*", limits: NO_LIMITS });
}

Deno.test("a missing data directory is created with its parents", async () => {
  await using directory = await TemporaryDirectory.make();
  const storage = await open(`${directory.path}/new/data`);
  await store(storage, "/a", "hello");
  storage.close();
  assertEquals(directory.list("new/data"), [".cache-proxy", "a"]);
});

Deno.test("a data directory may be reached by a link", async () => {
  await using directory = await TemporaryDirectory.make();
  await Deno.mkdir(`${directory.path}/real`);
  await Deno.symlink("real", `${directory.path}/link`);
  const storage = await open(`${directory.path}/link`);
  const entry = await store(storage, "/a", "hello");
  assertEquals(storage.pathOf(entry), `${directory.path}/real/a`);
  storage.close();
});

Deno.test("a data directory that cannot be made is a clear error", async () => {
  await using directory = await TemporaryDirectory.make();
  const file = `${directory.path}/file`;
  await Deno.writeTextFile(file, "");
  for (const path of [file, `${file}/below`]) {
    const error = await assertRejects(
      () => open(path),
      StorageError,
      `Cannot create data directory "${path}": `,
    );
    assertEquals(error.code, "storage-failed");
  }
});

Deno.test("a data directory in use is refused, and free again after close", async () => {
  await using local = await TemporaryStorage.open();
  const entry = await store(local.storage, "/a", "hello");
  await using partial = await local.storage.create("/b", null);
  await partial.begin();
  const error = await assertRejects(() => open(local.data), StorageError);
  assertEquals(error.code, "storage-locked");
  assertEquals(
    error.message,
    `Cannot use data directory "${local.data}": another cache-proxy uses it`,
  );
  // The refused one has touched nothing.
  assert(Deno.statSync(partial.path).isFile);
  await partial.abort();
  assertEquals((await local.restart()).find("/a"), entry);
});

Deno.test("unfinished files of a crash are removed, what links lead to is not", async () => {
  await using local = await TemporaryStorage.open();
  const outside = `${local.directory.path}/outside`;
  await Deno.mkdir(outside);
  await Deno.writeTextFile(`${outside}/file`, "untouched");
  await local.restart(async () => {
    await local.put(".cache-proxy/partial/temp.1", "half");
    await local.put(".cache-proxy/partial/other/name", "half");
    await Deno.symlink(outside, `${local.data}/.cache-proxy/partial/link`);
  });
  assertEquals(local.partials(), []);
  assertEquals(Deno.readTextFileSync(`${outside}/file`), "untouched");
});

Deno.test("folders of our own that lead elsewhere are refused before anything is removed", async () => {
  for (const folder of [".cache-proxy", ".cache-proxy/partial"]) {
    await using directory = await TemporaryDirectory.make();
    const data = `${directory.path}/data`;
    const outside = `${directory.path}/outside`;
    await Deno.mkdir(`${outside}/partial`, { recursive: true });
    await Deno.writeTextFile(`${outside}/partial/file`, "untouched");
    await Deno.mkdir(`${data}/${folder}`.replace(/\/[^/]+$/, ""), { recursive: true });
    await Deno.symlink(outside, `${data}/${folder}`);
    await assertRejects(() => open(data), StorageError, `Cannot create folder "${data}/${folder}"`);
    assertEquals(directory.list("outside/partial"), ["file"]);
  }
});
