import { assert, assertEquals, assertExists } from "@std/assert";
import { LOCAL_SYSTEM } from "../../src/storage/local_system.ts";
import { MAX_IDLE_FILES } from "../../src/storage/idle_files.ts";
import type { LocalStorage } from "../../src/storage/local_storage.ts";
import type { Entry } from "../../src/types.ts";
import { bytes, FACTS, HeldClock, NOW, store, TemporaryStorage } from "./support.ts";

/** A storage that counts the files that it opens for reading, and those of them that are open. */
async function counted() {
  const clock = new HeldClock();
  const counts = { opened: 0, open: 0 };
  const local = await TemporaryStorage.open({
    clock,
    async openFile(path, options) {
      const file = await LOCAL_SYSTEM.openFile(path, options);
      if (!options.read || options.write) return file;
      counts.opened++;
      counts.open++;
      const close = file.close.bind(file);
      file.close = () => {
        counts.open--;
        close();
      };
      return file;
    },
  });
  return {
    ...{ local, clock, counts },
    [Symbol.asyncDispose]: () => local[Symbol.asyncDispose](),
  };
}

/** Reads some bytes from where the file stands, and gives it back. */
async function readAndGiveBack(
  storage: LocalStorage,
  entry: Entry,
  count = 3,
): Promise<string | null> {
  const open = await storage.open(entry);
  if (open === null) return null;
  const buffer = new Uint8Array(count);
  await open.file.read(buffer);
  open.giveBack();
  // Whoever holds it with `using` does so as well.
  open[Symbol.dispose]();
  return new TextDecoder().decode(buffer);
}

Deno.test("a file that was given back serves the next reader, from its first byte", async () => {
  await using held = await counted();
  const { local: { storage }, counts } = held;
  const entry = await store(storage, "/a", "hello");
  for (let times = 0; times < 3; times++) {
    assertEquals(await readAndGiveBack(storage, entry), "hel");
    assertEquals(counts, { opened: 1, open: 1 });
  }
  storage.close();
  assertEquals(counts, { opened: 1, open: 0 });
});

Deno.test("readers at the same time have files of their own", async () => {
  await using held = await counted();
  const { local: { storage }, counts } = held;
  const entry = await store(storage, "/a", "hello");
  const [one, other] = [await storage.open(entry), await storage.open(entry)];
  assertExists(one);
  assertExists(other);
  await one.file.seek(3, Deno.SeekMode.Start);
  const buffer = new Uint8Array(5);
  assertEquals(await other.file.read(buffer), 5);
  assertEquals(buffer, bytes("hello"));
  one.giveBack();
  other.giveBack();
  assertEquals(counts, { opened: 2, open: 2 });
  assertEquals(await readAndGiveBack(storage, entry), "hel");
  assertEquals(counts, { opened: 2, open: 2 });
});

Deno.test("a file that is disposed of is closed, not kept", async () => {
  await using held = await counted();
  const { local: { storage }, counts } = held;
  const entry = await store(storage, "/a", "hello");
  const open = await storage.open(entry);
  open?.[Symbol.dispose]();
  open?.giveBack();
  assertEquals(counts, { opened: 1, open: 0 });
});

Deno.test("a file that was changed, replaced or removed by hand is not served", async () => {
  const changes: Record<string, (local: TemporaryStorage) => Promise<void>> = {
    "other size": (local) => local.put("a", "longer than before", FACTS.lastModified ?? 0),
    "other time": (local) => local.put("a", "jello", NOW),
    "other file of same size and time": async (local) => {
      await local.put("new", "jello", FACTS.lastModified ?? 0);
      await Deno.rename(`${local.data}/new`, `${local.data}/a`);
    },
    "gone": (local) => Deno.remove(`${local.data}/a`),
  };
  for (const [name, change] of Object.entries(changes)) {
    await using held = await counted();
    const { local, counts } = held;
    const entry = await store(local.storage, "/a", "hello");
    assertEquals(await readAndGiveBack(local.storage, entry), "hel");
    await change(local);
    assertEquals(await readAndGiveBack(local.storage, entry), null, name);
    assertEquals(counts.open, 0, name);
    const adopted = await local.storage.adopt("/a");
    if (name === "gone") {
      assertEquals(adopted, null);
      continue;
    }
    assertExists(adopted, name);
    const text = await readAndGiveBack(local.storage, adopted);
    assertEquals(text, local.read("a").slice(0, 3), name);
  }
});

Deno.test("what is replaced or removed is closed at once", async () => {
  await using held = await counted();
  const { local: { storage }, counts } = held;
  const old = await store(storage, "/a", "hello");
  assertEquals(await readAndGiveBack(storage, old), "hel");
  const reading = await storage.open(old);
  assertEquals(counts, { opened: 1, open: 1 });
  const entry = await store(storage, "/a", "jello", { storedAt: NOW + 1 });
  // A reader goes on, and its file is kept for nobody.
  reading?.giveBack();
  assertEquals(counts.open, 0);
  assertEquals(await readAndGiveBack(storage, old), null);
  assertEquals(await readAndGiveBack(storage, entry), "jel");
  assertEquals(counts.open, 1);
  assert(await storage.remove("/a"));
  assertEquals(counts.open, 0);
});

Deno.test("no more than so many files are kept, and none for long", async () => {
  await using held = await counted();
  const { local: { storage }, clock, counts } = held;
  const entries = [];
  for (let n = 0; n < MAX_IDLE_FILES + 5; n++) entries.push(await store(storage, `/${n}`, "hello"));
  for (const entry of entries) assertEquals(await readAndGiveBack(storage, entry), "hel");
  assertEquals(counts.open, MAX_IDLE_FILES);
  // From the last look to the one after the next nobody has taken them.
  clock.fire();
  assertEquals(counts.open, MAX_IDLE_FILES);
  clock.fire();
  assertEquals(counts.open, 0);
  assertEquals(await readAndGiveBack(storage, entries[0] as Entry), "hel");
  assertEquals(counts.open, 1);
});
