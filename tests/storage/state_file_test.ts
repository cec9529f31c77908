import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { StorageError } from "../../src/errors.ts";
import { LocalStorage } from "../../src/storage/local_storage.ts";
import { StateFile } from "../../src/storage/state_file.ts";
import { NO_LIMITS } from "../support/no_limits.ts";
import { tempDir } from "../support/temp_dir.ts";

async function openIn(path: string): Promise<StateFile> {
  const storage = await LocalStorage.open({
    path,
    temporaryFilePattern: "temp.*",
    limits: NO_LIMITS,
  });
  storage.close();
  return new StateFile(path, "state.json");
}

Deno.test("what was written last is read, by another process as well", async () => {
  await using folder = await tempDir();
  const file = await openIn(folder.path);
  assertEquals(await file.read(), undefined);
  await file.write({ a: 1 });
  await file.write({ a: [2, null] });
  assertEquals(await new StateFile(folder.path, "state.json").read(), { a: [2, null] });
  assertEquals([...Deno.readDirSync(join(folder.path, ".cache-proxy/partial"))], []);
});

Deno.test("what is no JSON, or too large, cannot be read", async () => {
  await using folder = await tempDir();
  const file = await openIn(folder.path);
  for (const text of ["", "{", "\0\0", " ".repeat(5 * 1024 * 1024)]) {
    Deno.writeTextFileSync(file.path, text);
    const error = await assertRejects(() => file.read(), StorageError);
    assert(error.message.startsWith(`Cannot read "${file.path}": `), error.message);
  }
});

Deno.test("a write that fails leaves the old value and nothing else", async () => {
  await using folder = await tempDir();
  const file = await openIn(folder.path);
  await file.write("old");
  const cyclic: Record<string, unknown> = {};
  cyclic["self"] = cyclic;
  await assertRejects(() => file.write(cyclic), StorageError);
  assertEquals(await file.read(), "old");
  Deno.removeSync(file.path);
  Deno.mkdirSync(file.path);
  await assertRejects(() => file.write("new"), StorageError);
  assertEquals([...Deno.readDirSync(join(folder.path, ".cache-proxy/partial"))], []);
});
