import { assert, assertEquals, assertExists, assertRejects } from "@std/assert";
import { StorageError } from "../../src/errors.ts";
import { Evictor, type EvictorParts } from "../../src/storage/evictor.ts";
import type { LocalStorage } from "../../src/storage/local_storage.ts";
import type { LocalSystem } from "../../src/storage/local_system.ts";
import { BLOCK_BYTES, Space } from "../../src/storage/space.ts";
import type { PartialFile } from "../../src/storage/storage.ts";
import type { Entry, Limits } from "../../src/types.ts";
import { Gate } from "../support/gate.ts";
import { NO_LIMITS } from "../support/no_limits.ts";
import { diskUsage } from "./disk_usage.ts";
import { FACTS, HeldClock, NOW, readEntry, store, TemporaryStorage } from "./support.ts";

const MINUTE = 60_000;
const STEP_BYTES = 1024 * 1024;

/** A storage that may take so many blocks; time and the disk are held. */
async function limited(
  blocks: number | null,
  limits: Partial<Limits> = {},
  system: Partial<LocalSystem> = {},
): Promise<{ local: TemporaryStorage; clock: HeldClock }> {
  const clock = new HeldClock();
  const maxBytes = blocks === null ? null : blocks * BLOCK_BYTES;
  const local = await TemporaryStorage.open({ clock, ...system }, { maxBytes, ...limits });
  return { local, clock };
}

/** Stores so many blocks under a key. */
async function put(storage: LocalStorage, key: string, blocks: number, at = NOW): Promise<Entry> {
  await using partial = await storage.create(key, blocks * BLOCK_BYTES);
  await partial.write(new Uint8Array(blocks * BLOCK_BYTES));
  return await partial.commit({ ...FACTS, storedAt: at });
}

/** Blocks that are used, as the storage says and as the disk says. */
function used(local: TemporaryStorage): [number, number] {
  return [
    local.storage.usage().bytes / BLOCK_BYTES,
    diskUsage(local.data) / BLOCK_BYTES,
  ];
}

/** Which of the keys have an entry. */
function kept(storage: LocalStorage, ...keys: string[]): string[] {
  return keys.filter((key) => storage.find(key) !== null);
}

async function assertFull(run: () => Promise<unknown>, code = "storage-full"): Promise<void> {
  const error = await assertRejects(run, StorageError);
  assertEquals(error.code, code);
}

/** Lets the event loop turn until the condition holds. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve));
}

/** Lets timers run out, again and again, until the condition holds. */
async function untilFired(clock: HeldClock, condition: () => boolean): Promise<void> {
  await until(() => {
    clock.fire();
    return condition();
  });
}

Deno.test("a known length is reserved whole before the first byte, and given back", async () => {
  const { local } = await limited(10);
  await using _ = local;
  const first = await local.storage.create("/a", 6 * BLOCK_BYTES);
  assertEquals(used(local), [6, 0]);
  await assertFull(() => local.storage.create("/b", 5 * BLOCK_BYTES));
  const second = await local.storage.create("/b", 4 * BLOCK_BYTES - 1);
  assertEquals(used(local), [10, 0]);
  await first.write(new Uint8Array(10));
  await first.abort();
  await first.abort();
  assertEquals(used(local), [4, 0]);
  await second.write(new Uint8Array(1));
  await second.commit(FACTS);
  assertEquals(used(local), [1, 1]);
});

Deno.test("an unknown length is reserved in steps, and what was not used is given back", async () => {
  const { local } = await limited(4 * STEP_BYTES / BLOCK_BYTES);
  await using _ = local;
  await put(local.storage, "/old", 2 * STEP_BYTES / BLOCK_BYTES);
  await using partial = await local.storage.create("/a", null);
  const { storage } = local;
  assertEquals(storage.usage().bytes, 2 * STEP_BYTES);
  await partial.write(new Uint8Array(1));
  assertEquals(storage.usage().bytes, 3 * STEP_BYTES);
  await partial.write(new Uint8Array(STEP_BYTES));
  assertEquals(kept(storage, "/old"), ["/old"]);
  await partial.write(new Uint8Array(STEP_BYTES));
  assertEquals(kept(storage, "/old"), []);
  await partial.commit(FACTS);
  assertEquals(used(local), [513, 513]);
});

Deno.test("where a whole step does not fit, the blocks that are written do", async () => {
  const { local } = await limited(3);
  await using _ = local;
  await using partial = await local.storage.create("/a", null);
  await partial.write(new Uint8Array(BLOCK_BYTES + 1));
  await partial.write(new Uint8Array(BLOCK_BYTES));
  await assertFull(() => partial.write(new Uint8Array(BLOCK_BYTES)));
  assertEquals([partial.written, used(local)], [2 * BLOCK_BYTES + 1, [3, 3]]);
});

Deno.test("a file that is too long is refused, by its length or as it grows", async () => {
  const { local } = await limited(null, { maxObjectBytes: 100 });
  await using _ = local;
  const { storage } = local;
  await assertFull(() => storage.create("/a", 101), "object-too-large");
  for (const size of [100, null]) {
    await using partial = await storage.create("/a", size);
    await partial.write(new Uint8Array(100));
    await assertFull(() => partial.write(new Uint8Array(1)), "object-too-large");
    assertEquals(partial.written, 100);
  }
  assertEquals(used(local), [0, 0]);
});

Deno.test("a file that can never fit costs no other its place", async () => {
  const { local } = await limited(10);
  await using _ = local;
  await put(local.storage, "/a", 5);
  await using _partial = await local.storage.create("/b", 2 * BLOCK_BYTES);
  for (const blocks of [9, 11, 1e9]) {
    await assertFull(() => local.storage.create("/c", blocks * BLOCK_BYTES));
  }
  assertEquals(kept(local.storage, "/a"), ["/a"]);
});

Deno.test("what is open stays until it is disposed of by everyone", async () => {
  const { local } = await limited(10);
  await using _ = local;
  const { storage } = local;
  const entry = await put(storage, "/a", 5);
  await put(storage, "/b", 5, NOW + 1);
  const first = await storage.open(entry);
  const second = await storage.open(entry);
  assertExists(first);
  assertExists(second);
  await put(storage, "/c", 2, NOW + 2);
  assertEquals(kept(storage, "/a", "/b", "/c"), ["/a", "/c"]);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  await assertFull(() => storage.create("/d", 6 * BLOCK_BYTES));
  second[Symbol.dispose]();
  await put(storage, "/d", 8, NOW + 3);
  assertEquals(kept(storage, "/a", "/c", "/d"), ["/c", "/d"]);
});

Deno.test("the old entry of a key that is being filled stays", async () => {
  const { local } = await limited(10);
  await using _ = local;
  const { storage } = local;
  await put(storage, "/a", 5);
  await put(storage, "/b", 1, NOW + 1);
  const fill = await storage.create("/a", 2 * BLOCK_BYTES);
  await assertFull(() => storage.create("/c", 4 * BLOCK_BYTES));
  assertEquals(kept(storage, "/a", "/b"), ["/a", "/b"]);
  await fill.abort();
  await put(storage, "/c", 5, NOW + 2);
  assertEquals(kept(storage, "/a", "/b", "/c"), ["/b", "/c"]);
});

Deno.test("the bytes of what is replaced or evicted count until they have gone", async () => {
  const gate = new Gate();
  let held = 0;
  const { local } = await limited(10, {}, {
    async remove(path) {
      held++;
      await gate.opened;
      await Deno.remove(path);
    },
  });
  await using _ = local;
  const { storage } = local;
  await put(storage, "/a", 3);
  const replacing = put(storage, "/a", 2, NOW + 1);
  await until(() => held === 1);
  assertEquals(used(local), [5, 5]);
  const removing = storage.remove("/a");
  await until(() => held === 2);
  assertEquals([used(local), kept(storage, "/a")], [[5, 5], []]);
  gate.open();
  await Promise.all([replacing, removing]);
  assertEquals(used(local), [0, 0]);
});

Deno.test("whoever waits for room keeps nobody waiting who needs none", async () => {
  const gate = new Gate();
  const { local } = await limited(10, {}, {
    async remove(path) {
      await gate.opened;
      await Deno.remove(path);
    },
  });
  await using _ = local;
  const { storage } = local;
  await put(storage, "/a", 6);
  let big: PartialFile | null = null;
  const waiting = storage.create("/b", 8 * BLOCK_BYTES).then((partial) => big = partial);
  await until(() => kept(storage, "/a").length === 0);
  // Beside the one that waits there are two blocks. Who wants more of what is free now would take it
  // from the one that waits.
  const small = await storage.create("/c", 2 * BLOCK_BYTES);
  const late = assertFull(() => storage.create("/d", BLOCK_BYTES));
  assertEquals(big, null);
  gate.open();
  const partial = await waiting;
  await late;
  assertEquals(used(local), [10, 0]);
  await Promise.all([small.abort(), partial.abort()]);
});

Deno.test("room that is not made in time is storage-full, as is a close meanwhile", async () => {
  for (const end of ["time", "close"]) {
    const gate = new Gate();
    const { local, clock } = await limited(10, {}, {
      async remove(path) {
        await gate.opened;
        await Deno.remove(path);
      },
    });
    await using _ = local;
    await put(local.storage, "/a", 6);
    const waiting = assertFull(() => local.storage.create("/b", 8 * BLOCK_BYTES));
    await until(() => kept(local.storage, "/a").length === 0);
    if (end === "time") clock.fire();
    else local.storage.close();
    await waiting;
    gate.open();
  }
});

Deno.test("eviction runs ahead in the background, a little below the limit", async () => {
  const { local, clock } = await limited(200);
  await using _ = local;
  const { storage } = local;
  for (let n = 0; n < 50; n++) await put(storage, `/${n}`, 4, NOW + n);
  assertEquals(used(local), [200, 200]);
  await untilFired(clock, () => storage.usage().bytes < 200 * BLOCK_BYTES);
  assertEquals(used(local), [196, 196]);
  assertEquals(kept(storage, "/0", "/1"), ["/1"]);
});

Deno.test("lowered limits take effect without a restart, raised ones too", async () => {
  const { local, clock } = await limited(100);
  await using _ = local;
  const { storage } = local;
  for (let n = 0; n < 50; n++) await put(storage, `/${n}`, 2, NOW + n);
  storage.setLimits({ ...local.options.limits, maxBytes: 10 * BLOCK_BYTES });
  // A little below the limit, which is reached on the way.
  await untilFired(clock, () => storage.usage().bytes <= 8 * BLOCK_BYTES);
  assertEquals(used(local), [8, 8]);
  await assertFull(() => storage.create("/big", 50 * BLOCK_BYTES));
  storage.setLimits({ ...local.options.limits, maxBytes: null });
  await (await storage.create("/big", 500 * BLOCK_BYTES)).abort();
  assertEquals(kept(storage, "/45", "/46", "/47", "/48", "/49").length, 4);
});

Deno.test("what is over the limit at the start goes in the background", async () => {
  const { local, clock } = await limited(null);
  await using _ = local;
  for (let n = 0; n < 10; n++) await put(local.storage, `/${n}`, 2, NOW + n);
  local.storage.close();
  Object.assign(local.options, { limits: { ...local.options.limits, maxBytes: 9 * BLOCK_BYTES } });
  const storage = await local.restart();
  assertEquals(used(local), [20, 20]);
  await untilFired(clock, () => storage.usage().bytes <= 9 * BLOCK_BYTES);
  assertEquals(kept(storage, "/5", "/6", "/7"), ["/6", "/7"]);
});

Deno.test("adopted files count, and make others go", async () => {
  const { local, clock } = await limited(10);
  await using _ = local;
  const { storage } = local;
  await put(storage, "/a", 5);
  await local.put("by/hand", "x".repeat(6 * BLOCK_BYTES));
  assertEquals(storage.usage().bytes, 5 * BLOCK_BYTES);
  await storage.adopt("/by/hand");
  assertEquals(used(local), [11, 11]);
  await untilFired(clock, () => storage.usage().bytes <= 10 * BLOCK_BYTES);
  assertEquals(storage.usage().entries, 1);
});

Deno.test("entries out of use go, used ones stay", async () => {
  const { local, clock } = await limited(null, { inactiveMs: 10 * MINUTE });
  await using _ = local;
  const { storage } = local;
  for (let n = 0; n < 40; n++) await put(storage, `/${n}`, 1);
  const entry = storage.find("/7");
  assertExists(entry);
  using _open = await storage.open(entry);
  clock.instant = NOW + 10 * MINUTE - 1;
  storage.used("/3", clock.now());
  clock.fire();
  assertEquals(storage.usage().entries, 40);
  clock.instant++;
  await untilFired(clock, () => storage.usage().bytes <= 2 * BLOCK_BYTES);
  assertEquals(kept(storage, "/3", "/7"), ["/3", "/7"]);
  assertEquals(used(local), [2, 2]);
});

Deno.test("the file system keeps free what it is told to", async () => {
  // A disk of 100 blocks on which others have 50.
  let others = 50;
  let looks = 0;
  const kinds = [
    { kind: "bytes", value: 20 * BLOCK_BYTES },
    { kind: "share", value: 0.2 },
  ] as const;
  for (const minFree of kinds) {
    others = 50;
    const { local, clock } = await limited(null, { minFree }, {
      diskSpace(path) {
        looks++;
        const free = (100 - others) * BLOCK_BYTES - diskUsage(path);
        return { free, total: 100 * BLOCK_BYTES };
      },
    });
    await using _ = local;
    const { storage } = local;
    for (let n = 0; n < 10; n++) await put(storage, `/${n}`, 3, NOW + n);
    assertEquals(storage.usage().entries, 10);
    looks = 0;
    await put(storage, "/one-more", 1, NOW + 11);
    assertEquals(kept(storage, "/0", "/1"), ["/1"]);
    // No look a file: an old one will do for a second.
    assertEquals(looks, 0);
    await assertFull(() => storage.create("/too-big", 31 * BLOCK_BYTES));
    assertEquals(storage.usage().entries, 10);
    // Others write to the disk.
    others = 70;
    clock.instant += 1000;
    await untilFired(clock, () => storage.usage().bytes <= 10 * BLOCK_BYTES);
    assertEquals(used(local), [10, 10]);
    others = 90;
    clock.instant += 1000;
    await assertFull(() => storage.create("/a", 1));
  }
});

Deno.test("reserved bytes are not free, whether they are written or not", async () => {
  const { local, clock } = await limited(
    null,
    { minFree: { kind: "bytes", value: 20 * BLOCK_BYTES } },
    {
      diskSpace(path) {
        return { free: 50 * BLOCK_BYTES - diskUsage(path), total: 100 * BLOCK_BYTES };
      },
    },
  );
  await using _ = local;
  const { storage } = local;
  await using first = await storage.create("/a", 20 * BLOCK_BYTES);
  for (const written of [0, 15, 5]) {
    await first.write(new Uint8Array(written * BLOCK_BYTES));
    for (const ms of [0, 1000]) {
      clock.instant += ms;
      await assertFull(() => storage.create("/b", 11 * BLOCK_BYTES));
      await (await storage.create("/b", 10 * BLOCK_BYTES)).abort();
    }
  }
});

Deno.test("a file system that does not say how much is free stops nobody", async () => {
  const { local } = await limited(null, { minFree: { kind: "share", value: 0.5 } }, {
    diskSpace() {
      throw new Error("not today");
    },
  });
  await using _ = local;
  await put(local.storage, "/a", 5);
  assertEquals(used(local), [5, 5]);
});

Deno.test("a file that cannot be removed counts on, and is tried again", async () => {
  let fails = true;
  const { local, clock } = await limited(10, {}, {
    async remove(path) {
      if (fails) throw Object.assign(new Error("EIO of a test"), { code: "EIO" });
      await Deno.remove(path);
    },
  });
  await using _ = local;
  const { storage } = local;
  await put(storage, "/a", 6);
  await assertFull(() => storage.create("/b", 5 * BLOCK_BYTES));
  assertEquals([kept(storage, "/a"), used(local)], [[], [6, 6]]);
  fails = false;
  clock.instant += MINUTE;
  await untilFired(clock, () => storage.usage().bytes === 0);
  await put(storage, "/b", 5);
  assertEquals(used(local), [5, 5]);
});

Deno.test("an entry whose file cannot be moved stays, and others go in its place", async () => {
  let fails = true;
  const { local, clock } = await limited(10, {}, {
    rename(from, to) {
      if (fails && from.endsWith("/a")) {
        throw Object.assign(new Error("EACCES of a test"), { code: "EACCES" });
      }
      Deno.renameSync(from, to);
    },
  });
  await using _ = local;
  const { storage } = local;
  for (const [n, key] of ["/a", "/b", "/c"].entries()) await put(storage, key, 3, NOW + n);
  await put(storage, "/d", 4, NOW + 9);
  assertEquals(kept(storage, "/a", "/b", "/c", "/d"), ["/a", "/c", "/d"]);
  const entry = storage.find("/a");
  assertExists(entry);
  assertEquals((await readEntry(storage, entry))?.length, 3 * BLOCK_BYTES);
  await assertRejects(() => storage.remove("/a"), StorageError);
  assertEquals(used(local), [10, 10]);
  fails = false;
  clock.fire();
  await put(storage, "/e", 2, NOW + 10);
  assertEquals(kept(storage, "/a", "/c", "/d", "/e"), ["/c", "/d", "/e"]);
});

Deno.test("a file that was changed by hand is not evicted for the entry that it had", async () => {
  const { local } = await limited(10);
  await using _ = local;
  await put(local.storage, "/a", 6);
  await local.put("a", "by hand", NOW + 5000);
  await put(local.storage, "/b", 6);
  assertEquals(local.read("a"), "by hand");
  assertEquals(kept(local.storage, "/a", "/b"), ["/b"]);
});

Deno.test("a removed key is gone with its file, known to the index or not", async () => {
  const { local } = await limited(null);
  await using _ = local;
  const { storage } = local;
  const entry = await store(storage, "/a", "hello");
  using open = await storage.open(entry);
  await local.put("b/c", "by hand");
  await store(storage, "/c", "hello");
  await Deno.remove(`${local.data}/c`);
  for (const key of ["/a", "/b/c", "/c"]) assertEquals(await storage.remove(key), true, key);
  for (const key of ["/a", "/b/c", "/c", "/d"]) {
    assertEquals(await storage.remove(key), false, key);
    assertEquals(await storage.adopt(key), null, key);
  }
  assertEquals(used(local), [0, 0]);
  assert(open !== null && open.file.statSync().size === 5);
});

Deno.test("what a crash leaves reserved counts no more", async () => {
  const { local } = await limited(10);
  await using _ = local;
  await put(local.storage, "/a", 2);
  const partial = await local.storage.create("/b", 8 * BLOCK_BYTES);
  await partial.write(new Uint8Array(3 * BLOCK_BYTES));
  assertEquals(used(local), [10, 5]);
  // The process ends here: nothing is aborted.
  const storage = await local.restart();
  assertEquals(used(local), [2, 2]);
  await put(storage, "/c", 8);
  assertEquals(used(local), [10, 10]);
  await partial.abort();
});

Deno.test("files that a new index has yet to find leave no room for others", async () => {
  const { local, clock } = await limited(10);
  await using _ = local;
  for (let n = 0; n < 3; n++) await put(local.storage, `/${n}`, 3, NOW + n);
  // Lost while nobody looked, and lost under our hands.
  const losses = [
    () => local.restartWithoutIndex(),
    async () => {
      await Deno.remove(`${local.data}/.cache-proxy/index.db`);
      clock.instant += 10 * MINUTE;
      return local.storage;
    },
  ];
  for (const lose of losses) {
    const storage = await lose();
    assertEquals(storage.usage(), { entries: 0, bytes: 0 });
    await assertFull(() => storage.create("/a", 2 * BLOCK_BYTES));
    await storage.adopt("/0");
    await assertFull(() => storage.create("/a", 5 * BLOCK_BYTES));
    assertEquals(diskUsage(local.data), 9 * BLOCK_BYTES);
    await storage.reconcile(new AbortController().signal);
    assertEquals(used(local), [9, 9]);
    await (await storage.create("/a", BLOCK_BYTES)).abort();
  }
  await put(local.storage, "/a", 2, NOW + 100 * MINUTE);
  assertEquals(used(local), [8, 8]);
});

Deno.test("files that a stopped search has not found leave no room after a restart either", async () => {
  const { local } = await limited(10);
  await using _ = local;
  for (let n = 0; n < 3; n++) await put(local.storage, `/${n}`, 3, NOW + n);
  await (await local.restartWithoutIndex()).adopt("/0");
  const storage = await local.restart();
  await storage.reconcile(AbortSignal.abort());
  await assertFull(async () => await (await local.restart()).create("/a", 2 * BLOCK_BYTES));
  await local.storage.reconcile(new AbortController().signal);
  await put(await local.restart(), "/a", 2, NOW + 100 * MINUTE);
  assertEquals(used(local), [8, 8]);
});

Deno.test("an empty data directory has room from the start", async () => {
  const { local } = await limited(10);
  await using _ = local;
  await local.restart();
  await put(local.storage, "/a", 10);
  assertEquals(used(local), [10, 10]);
});

Deno.test("fills side by side never go over the limit, whatever their lengths", async () => {
  let most = 0;
  let data = "";
  const sample = (): void => {
    if (data !== "") most = Math.max(most, diskUsage(data));
  };
  const { local } = await limited(40, {}, {
    async openFile(path, options) {
      const file = await Deno.open(path, options);
      const write = file.write.bind(file);
      file.sync = () => Promise.resolve();
      file.write = async (chunk) => {
        const count = await write(chunk);
        sample();
        return count;
      };
      return file;
    },
    rename(from, to) {
      Deno.renameSync(from, to);
      sample();
    },
  });
  await using _ = local;
  data = local.data;
  let stored = 0;
  async function fill(n: number): Promise<void> {
    const size = n * 7919 % (12 * BLOCK_BYTES);
    try {
      await using partial = await local.storage.create(`/${n % 60}`, n % 3 === 0 ? null : size);
      for (let at = 0; at < size; at += 3000) {
        await partial.write(new Uint8Array(Math.min(3000, size - at)));
      }
      if (n % 7 !== 0) await partial.commit({ ...FACTS, storedAt: NOW + n });
      stored++;
    } catch (error) {
      assert(error instanceof StorageError && error.code === "storage-full", String(error));
    }
  }
  for (let n = 0; n < 300;) {
    await Promise.all(Array.from({ length: 6 }, () => fill(n++)));
  }
  assert(most > 30 * BLOCK_BYTES && most <= 40 * BLOCK_BYTES, `${most} bytes at most`);
  assert(stored > 150, `${stored} stored`);
  assertEquals(used(local)[0], used(local)[1]);
});

Deno.test("without a folder to move files to nothing is evicted in name only", async () => {
  const { local, clock } = await limited(null);
  await using _ = local;
  await put(local.storage, "/a", 5);
  await Deno.remove(`${local.data}/.cache-proxy/partial`, { recursive: true });
  local.storage.setLimits({ ...local.options.limits, maxBytes: BLOCK_BYTES });
  clock.fire();
  assertEquals([kept(local.storage, "/a"), used(local)], [["/a"], [5, 5]]);
  await put(local.storage, "/b", 1).catch(() => {});
  await untilFired(clock, () => kept(local.storage, "/a").length === 0);
  await until(() => used(local)[1] <= 1);
});

Deno.test("what was used while the clock was ahead goes in its turn all the same", async () => {
  const { local, clock } = await limited(2);
  await using _ = local;
  const { storage } = local;
  await put(storage, "/a", 1);
  storage.used("/a", NOW + 365 * 24 * 60 * MINUTE);
  // The uses are written, then the sweep sees them.
  clock.fire();
  clock.fire();
  await put(storage, "/b", 1, NOW + MINUTE);
  await put(storage, "/c", 1, NOW + 2 * MINUTE);
  assertEquals(kept(storage, "/a", "/b", "/c"), ["/b", "/c"]);
});

Deno.test("an index that cannot be read ends neither a request nor the background", () => {
  const clock = new HeldClock();
  let isReadable = false;
  const published = (): number => {
    if (!isReadable) throw new StorageError("storage-failed", "Cannot read index: it is broken");
    return 10 * BLOCK_BYTES;
  };
  const limits = { ...NO_LIMITS, maxBytes: 9 * BLOCK_BYTES };
  const space = new Space(limits, published, () => ({ free: Infinity, total: Infinity }), clock);
  const evictor = new Evictor({ space, system: { clock } } as unknown as EvictorParts);
  evictor.wake();
  assertEquals(clock.timers, 1, "the sweep goes on");
  isReadable = true;
  evictor.wake();
  assertEquals(clock.timers, 2, "it evicts again");
});
