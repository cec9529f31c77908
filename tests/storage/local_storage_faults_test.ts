import { assert, assertEquals, assertExists, assertRejects, assertThrows } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { StorageError } from "../../src/errors.ts";
import type { LocalSystem } from "../../src/storage/local_system.ts";
import { bytes, FACTS, NOW, readEntry, store, TemporaryStorage } from "./support.ts";

const KEY = "/pool/hello";

/** An error as the operating system's come out of Deno. */
function systemError(code: string): Error {
  return Object.assign(new Error(`${code} of a test`), { code });
}

/** The file with some of its methods replaced. */
function altered(file: Deno.FsFile, methods: Partial<Deno.FsFile>): Deno.FsFile {
  return new Proxy(file, {
    get(target, name) {
      const value: unknown = Reflect.get(methods, name) ?? Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** A storage whose files are altered from the moment `arm` is called. */
async function faulty(
  methods: (file: Deno.FsFile) => Partial<Deno.FsFile>,
  system: Partial<LocalSystem> = {},
): Promise<{ local: TemporaryStorage; arm: (isArmed?: boolean) => void }> {
  let armed = false;
  const local = await TemporaryStorage.open({
    async openFile(path, options) {
      const file = await Deno.open(path, options);
      return armed ? altered(file, methods(file)) : file;
    },
    ...system,
  });
  return { local, arm: (isArmed = true) => void (armed = isArmed) };
}

async function assertOldStays(local: TemporaryStorage): Promise<void> {
  const entry = local.storage.find(KEY);
  assertExists(entry);
  assertEquals(entry.etag, FACTS.etag);
  assertEquals(await readEntry(local.storage, entry), "old");
  assertEquals(local.partials(), []);
}

async function assertFails(run: () => Promise<unknown>, code: string): Promise<void> {
  const error = await assertRejects(run, StorageError);
  assertEquals([error.code, error.source], [code, "storage"]);
}

Deno.test("a write that finds no room is storage-full, any other failure storage-failed", async () => {
  const codes = { ENOSPC: "storage-full", EDQUOT: "storage-full", EIO: "storage-failed" };
  for (const [code, expected] of Object.entries(codes)) {
    const { local, arm } = await faulty(() => ({
      write: () => Promise.reject(systemError(code)),
    }));
    await using _ = local;
    await store(local.storage, KEY, "old");
    arm();
    await assertFails(() => store(local.storage, KEY, "fresh"), expected);
    await assertOldStays(local);
  }
});

Deno.test("short writes are continued", async () => {
  const { local, arm } = await faulty((file) => ({
    write: (chunk) => file.write(chunk.subarray(0, 3)),
  }));
  await using _ = local;
  arm();
  const entry = await store(local.storage, KEY, "hello, world");
  assertEquals(await readEntry(local.storage, entry), "hello, world");
});

Deno.test("a write that takes nothing fails instead of trying for ever", async () => {
  const { local, arm } = await faulty(() => ({ write: () => Promise.resolve(0) }));
  await using _ = local;
  arm();
  await assertFails(() => store(local.storage, KEY, "hello"), "storage-failed");
});

Deno.test("a failed write counts what did arrive", async () => {
  let calls = 0;
  const { local, arm } = await faulty((file) => ({
    write: (chunk) =>
      ++calls > 1 ? Promise.reject(systemError("ENOSPC")) : file.write(chunk.subarray(0, 3)),
  }));
  await using _ = local;
  arm();
  await using partial = await local.storage.create(KEY, null);
  await assertFails(() => partial.write(bytes("hello")), "storage-full");
  assertEquals(partial.written, 3);
  assertEquals(await Deno.readTextFile(partial.path), "hel");
});

Deno.test("a file that is not as long as what was written is not published", async () => {
  await using local = await TemporaryStorage.open();
  await store(local.storage, KEY, "old");
  for (const size of [2, 20]) {
    await using partial = await local.storage.create(KEY, null);
    await partial.write(bytes("fresh"));
    await Deno.truncate(partial.path, size);
    await assertFails(() => partial.commit(FACTS), "storage-failed");
  }
  await assertOldStays(local);
});

Deno.test("nothing is published when a step before the rename fails", async () => {
  const fail = (): never => {
    throw systemError("EIO");
  };
  const steps: Partial<Deno.FsFile>[] = [
    { statSync: fail },
    { utimeSync: fail },
    { sync: () => Promise.reject(systemError("EIO")) },
  ];
  for (const step of steps) {
    // A machine that does not tell when it was started: files are flushed before that step.
    const { local, arm } = await faulty(() => step, { bootedAt: () => null });
    await using _ = local;
    await store(local.storage, KEY, "old");
    arm();
    await assertFails(() => store(local.storage, KEY, "fresh"), "storage-failed");
    arm(false);
    await assertOldStays(local);
  }
});

Deno.test("a failed rename leaves the old entry, or none", async () => {
  let fails = false;
  await using local = await TemporaryStorage.open({
    rename(from, to) {
      if (fails) throw systemError("EIO");
      Deno.renameSync(from, to);
    },
  });
  await store(local.storage, KEY, "old");
  const old = local.storage.find(KEY);
  fails = true;
  await assertFails(() => store(local.storage, KEY, "fresh", { etag: null }), "storage-failed");
  await assertFails(() => store(local.storage, "/never", "fresh"), "storage-failed");
  assertEquals(local.storage.find(KEY), old);
  assertEquals(local.storage.find("/never"), null);
  await assertOldStays(local);
});

Deno.test("a file goes aside where the tree's folder is of another file system", async () => {
  await using local = await TemporaryStorage.open({
    rename(from, to) {
      if (!to.includes("/overflow/")) throw systemError("EXDEV");
      Deno.renameSync(from, to);
    },
  });
  const entry = await store(local.storage, KEY, "hello");
  assert(entry.file.startsWith(".cache-proxy/overflow/"), entry.file);
  assertEquals(await readEntry(local.storage, entry), "hello");
  assertEquals(await local.storage.adopt(KEY), entry);
});

Deno.test("a crash between index and rename leaves the old file, and nothing false", async () => {
  let alive = true;
  await using local = await TemporaryStorage.open({
    rename: (from, to) => alive ? Deno.renameSync(from, to) : undefined,
  });
  await store(local.storage, KEY, "old");
  alive = false;
  await store(local.storage, KEY, "fresh", { etag: '"v2"', storedAt: NOW + 1 });
  const storage = await local.restart();
  assertEquals(local.partials(), []);
  const entry = storage.find(KEY);
  assertExists(entry);
  assertEquals(await storage.open(entry), null);
  const adopted = await storage.adopt(KEY);
  assertExists(adopted);
  assertEquals(adopted.etag, null);
  assertEquals(await readEntry(storage, adopted), "old");
});

Deno.test("a file that cannot be read is an error, and its entry stays", async () => {
  let code: string | null = null;
  await using local = await TemporaryStorage.open({
    openFile(path, options) {
      return code === null ? Deno.open(path, options) : Promise.reject(systemError(code));
    },
  });
  const entry = await store(local.storage, KEY, "old");
  for (code of ["EACCES", "EMFILE", "EIO"]) {
    await assertFails(() => local.storage.open(entry), "storage-failed");
    await using unwritten = await local.storage.create(KEY, null);
    await assertFails(() => unwritten.write(bytes("new")), "storage-failed");
    const given = await local.storage.create(KEY, null);
    await assertFails(() => given.begin(), "storage-failed");
  }
  code = null;
  await assertOldStays(local);
});

Deno.test("a file that cannot be looked at is closed again", async () => {
  let closed = 0;
  const { local, arm } = await faulty((file) => ({
    statSync() {
      throw systemError("EIO");
    },
    close() {
      closed++;
      file.close();
    },
  }));
  await using _ = local;
  const entry = await store(local.storage, KEY, "old");
  arm();
  await assertFails(() => local.storage.open(entry), "storage-failed");
  assertEquals(closed, 1);
  assertEquals(local.storage.find(KEY), entry);
});

Deno.test("an index that takes no rows leaves the old entry and its file", async () => {
  await using local = await TemporaryStorage.open();
  await store(local.storage, KEY, "old");
  await local.restart(() => {
    const database = new DatabaseSync(`${local.data}/.cache-proxy/index.db`);
    for (const event of ["INSERT", "UPDATE"]) {
      database.exec(
        `CREATE TRIGGER no_${event} BEFORE ${event} ON entries
          BEGIN SELECT RAISE(ABORT, 'no rows today'); END`,
      );
    }
    database.close();
  });
  await assertFails(() => store(local.storage, KEY, "fresh"), "storage-failed");
  await assertOldStays(local);
  const entry = local.storage.find(KEY);
  assertExists(entry);
  assertThrows(
    () => local.storage.validated(entry, { requestedAt: NOW, validatedAt: NOW }),
    StorageError,
    "no rows today",
  );
  // Closing writes this use, in vain.
  local.storage.used(KEY, NOW);
});

Deno.test("a writer that is killed leaves the old entry and no lock", async () => {
  await using local = await TemporaryStorage.open();
  const old = await store(local.storage, KEY, "old");
  local.storage.close();
  await using writer = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-read", "--allow-write", scriptPath(), local.data, KEY],
    stdout: "piped",
  }).spawn();
  const reader = writer.stdout.getReader();
  await reader.read();
  assertEquals(local.partials().length, 1);
  writer.kill("SIGKILL");
  await writer.status;
  await reader.cancel();

  const storage = await local.restart();
  assertEquals(local.partials(), []);
  assertEquals(storage.find(KEY), old);
  assertEquals(await readEntry(storage, old), "old");
  assertEquals(storage.usage(), { entries: 1, bytes: 4096 });
});

function scriptPath(): string {
  return new URL("dying_writer.ts", import.meta.url).pathname;
}

for (const folder of [".cache-proxy/partial", ""]) {
  Deno.test(`${folder || "the data directory"} is made again when it is removed under us`, async () => {
    await using local = await TemporaryStorage.open();
    await store(local.storage, "/a", "old");
    await Deno.remove(`${local.data}/${folder}`, { recursive: true });
    const entry = await store(local.storage, KEY, "fresh");
    assertEquals(await readEntry(local.storage, entry), "fresh");
    assertEquals(local.read("pool/hello"), "fresh");
  });
}
