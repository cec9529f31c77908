import { assertEquals, assertExists } from "@std/assert";
import { Gate } from "../support/gate.ts";
import { DataDirectory } from "../../src/storage/data_directory.ts";
import { LOCAL_SYSTEM, type LocalSystem } from "../../src/storage/local_system.ts";
import { Unflushed } from "../../src/storage/unflushed.ts";
import { bytes, FACTS, NOW, readEntry, store, TemporaryStorage } from "./support.ts";

// What is published and not yet on the disk, when the program or the machine goes down.

const KEY = "/debian/hello.deb";
const MARK = ".cache-proxy/unflushed.json";

/** A storage on a machine that can go down: then it has been started anew, and bytes are lost. */
async function onMachine(): Promise<
  { local: TemporaryStorage; goDown: (lose: string[]) => Promise<void>; now: () => number }
> {
  let bootedAt = Date.now() - 1_000_000;
  const local = await TemporaryStorage.open({ bootedAt: () => bootedAt });
  return {
    local,
    now: Date.now,
    goDown: async (lose) => {
      await local.restart(async () => {
        // The mark is on the disk since before the files: what a crash leaves, not what a close does.
        await Deno.writeTextFile(`${local.data}/${MARK}`, mark);
        for (const file of lose) await Deno.truncate(`${local.data}/${file}`, 0);
        bootedAt = Date.now();
      });
    },
  };
}
let mark = "";

function remember(local: TemporaryStorage): void {
  mark = Deno.readTextFileSync(`${local.data}/${MARK}`);
}

Deno.test("a mark is on the disk before a file is published unflushed", async () => {
  const flushed: string[] = [];
  await using local = await TemporaryStorage.open({
    flush: (path) => {
      flushed.push(path);
      return LOCAL_SYSTEM.flush(path);
    },
    rename: (from, to) => {
      assertEquals(flushed.length > 0, true);
      assertExists(Deno.statSync(`${local.data}/${MARK}`));
      Deno.renameSync(from, to);
    },
  });
  await local.storage.put(KEY, bytes("hello"), { ...FACTS, storedAt: Date.now() });
  await store(local.storage, "/other", "hello", { storedAt: Date.now() });
  assertEquals(local.read("other"), "hello");
});

Deno.test("what was published just before the machine went down is not believed", async () => {
  const { local, goDown, now } = await onMachine();
  await using _ = local;
  await local.storage.put(KEY, bytes("hello"), { ...FACTS, storedAt: now() });
  await store(local.storage, "/large.iso", "large", { storedAt: now() });
  remember(local);
  await goDown(["debian/hello.deb", "large.iso"]);
  for (const key of [KEY, "/large.iso"]) {
    assertEquals(local.storage.find(key), null);
    assertEquals(await local.storage.adopt(key), null);
  }
  assertEquals(local.storage.usage(), { entries: 0, bytes: 0 });
});

Deno.test("nor is it when the index has lost its rows, by hand on any path", async () => {
  const { local, goDown, now } = await onMachine();
  await using _ = local;
  await local.storage.put(KEY, bytes("hello"), { ...FACTS, storedAt: now() });
  remember(local);
  await local.restart(() => Deno.remove(`${local.data}/.cache-proxy/index.db`));
  await goDown(["debian/hello.deb"]);
  assertEquals(await local.storage.adopt(KEY), null);
  await local.storage.reconcile(new AbortController().signal);
  assertEquals(local.directory.list("data/debian"), []);
  // From now on files that somebody puts there are adopted again.
  await local.put("debian/hello.deb", "by hand");
  assertExists(await local.storage.adopt(KEY));
});

Deno.test("what was stored and flushed long before is believed", async () => {
  const { local, goDown, now } = await onMachine();
  await using _ = local;
  await local.storage.put("/old", bytes("old"), { ...FACTS, storedAt: NOW });
  await local.storage.put(KEY, bytes("hello"), { ...FACTS, storedAt: now() });
  remember(local);
  await goDown([]);
  const old = local.storage.find("/old");
  assertExists(old);
  assertEquals(await readEntry(local.storage, old), "old");
  assertEquals(local.storage.find(KEY), null);
});

Deno.test("when the program alone goes down everything stays, and is flushed by the next one", async () => {
  const flushed: string[] = [];
  const all = Promise.withResolvers<void>();
  await using local = await TemporaryStorage.open({
    bootedAt: () => 1_000_000,
    flush: (path) => {
      flushed.push(path);
      if (path.endsWith("hello.deb")) all.resolve();
      return LOCAL_SYSTEM.flush(path);
    },
  });
  await local.storage.put(KEY, bytes("hello"), { ...FACTS, storedAt: Date.now() });
  remember(local);
  await local.restart(async () => {
    flushed.length = 0;
    await Deno.writeTextFile(`${local.data}/${MARK}`, mark);
  });
  await all.promise;
  const entry = local.storage.find(KEY);
  assertExists(entry);
  assertEquals(await readEntry(local.storage, entry), "hello");
});

/** The part alone, over a directory of its own. */
async function unflushedIn(
  local: TemporaryStorage,
  system: Partial<LocalSystem>,
): Promise<{ unflushed: Unflushed; directory: DataDirectory }> {
  local.storage.close();
  const directory = await DataDirectory.open(local.data);
  return { unflushed: Unflushed.open(directory, { ...LOCAL_SYSTEM, ...system }), directory };
}

Deno.test("the mark goes when all has been flushed, and not before", async () => {
  await using local = await TemporaryStorage.open();
  const gate = new Gate();
  const flushed: string[] = [];
  const { unflushed, directory } = await unflushedIn(local, {
    flush: async (path) => {
      flushed.push(path);
      if (path === "/held") await gate.opened;
    },
  });
  assertEquals(await unflushed.begin(), true);
  const published = await unflushed.expect();
  assertExists(published);
  unflushed.add("/one");
  await unflushed.flush();
  assertEquals(flushed.includes("/one"), true);
  // Somebody is about to publish, and relies on it.
  assertExists(Deno.statSync(`${local.data}/${MARK}`));
  published("/held");
  const flushing = unflushed.flush();
  assertExists(Deno.statSync(`${local.data}/${MARK}`));
  gate.open();
  await flushing;
  assertEquals(local.directory.list("data/.cache-proxy").includes("unflushed.json"), false);
  assertEquals(unflushed.isInForce, false);
  unflushed.close();
  directory.close();
});

Deno.test("a clock that is set back, and a machine that does not tell: no file goes unflushed", async () => {
  await using local = await TemporaryStorage.open();
  let now = NOW;
  const clock = { ...LOCAL_SYSTEM.clock, now: () => now };
  const { unflushed, directory } = await unflushedIn(local, { clock });
  assertEquals(await unflushed.begin(), true);
  now -= 3_600_000;
  assertEquals(unflushed.isInForce, false);
  assertEquals(await unflushed.begin(), true);
  assertEquals(unflushed.isInForce, true);
  unflushed.close();
  const mute = Unflushed.open(directory, { ...LOCAL_SYSTEM, clock, bootedAt: () => null });
  assertEquals(await mute.begin(), false);
  mute.close();
  directory.close();
});
