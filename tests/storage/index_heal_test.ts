import { configureSync, type LogRecord, resetSync } from "@logtape/logtape";
import { assertEquals, assertMatch } from "@std/assert";
import type { LocalStorage } from "../../src/storage/local_storage.ts";
import { HeldClock, readEntry, store, TemporaryStorage } from "./support.ts";

/** Longer than a look at the file is good for. */
const LOOK_AGAIN_MS = 10_000;

const KEYS = Array.from({ length: 300 }, (_, n) => `/pool/${n}`);

/** So long that SQLite does not keep the whole index in memory. */
const LONG_FIELD = "x".repeat(20_000);

const QUERY = "/query?a=b";

/** What becomes of the index under the running server. */
const DAMAGES: Record<string, (folder: string) => void> = {
  "deleted": (folder) => Deno.removeSync(`${folder}/index.db`),
  "deleted with its log": (folder) => eachFile(folder, (path) => Deno.removeSync(path)),
  "cut to nothing": (folder) => eachFile(folder, (path) => Deno.truncateSync(path)),
  "cut in the middle": (folder) => eachFile(folder, (path) => Deno.truncateSync(path, 20_000)),
  "filled with noise": (folder) => eachFile(folder, (path) => fillWithNoise(path, 0)),
  "filled with noise behind its head": (folder) =>
    eachFile(folder, (path) => fillWithNoise(path, 4096)),
  "replaced by something else": (folder) => {
    Deno.writeTextFileSync(`${folder}/new`, "no database ".repeat(10_000));
    Deno.renameSync(`${folder}/new`, `${folder}/index.db`);
  },
  "replaced by a folder": (folder) => {
    Deno.removeSync(`${folder}/index.db`);
    Deno.mkdirSync(`${folder}/index.db`);
  },
};

function eachFile(folder: string, run: (path: string) => void): void {
  for (const { name } of [...Deno.readDirSync(folder)]) {
    if (name.startsWith("index.db")) run(`${folder}/${name}`);
  }
}

function fillWithNoise(path: string, start: number): void {
  const size = Deno.statSync(path).size - start;
  if (size <= 0) return;
  using file = Deno.openSync(path, { write: true });
  file.seekSync(start, Deno.SeekMode.Start);
  for (let done = 0; done < size;) {
    done += file.writeSync(crypto.getRandomValues(new Uint8Array(Math.min(size - done, 65_536))));
  }
}

/** What a request does: find or adopt, open, and look again when the file has gone. */
async function request(storage: LocalStorage, key: string): Promise<string | null> {
  const entry = storage.find(key) ?? await storage.adopt(key);
  return entry === null ? null : await readEntry(storage, entry);
}

async function warnings(run: () => Promise<void>): Promise<string[]> {
  const records: LogRecord[] = [];
  configureSync({
    sinks: { list: (record) => records.push(record) },
    loggers: [
      { category: "cache-proxy", sinks: ["list"], lowestLevel: "warning" },
      { category: ["logtape", "meta"], lowestLevel: "error" },
    ],
    reset: true,
  });
  try {
    await run();
  } finally {
    resetSync();
  }
  return records.map((record) => record.message.join(""));
}

async function openFilled(clock: HeldClock): Promise<TemporaryStorage> {
  const local = await TemporaryStorage.open({ clock });
  const headers = [["content-type", "text/plain"], ["x-long", LONG_FIELD]] as const;
  for (const key of [...KEYS, QUERY]) await store(local.storage, key, key, { headers });
  return local;
}

for (const [name, damage] of Object.entries(DAMAGES)) {
  Deno.test(`an index that is ${name} under the running server costs no request`, async () => {
    const clock = new HeldClock();
    await using local = await openFilled(clock);
    const { storage } = local;
    const messages = await warnings(async () => {
      damage(`${local.data}/.cache-proxy`);
      clock.instant += LOOK_AGAIN_MS;
      for (const key of [...KEYS, QUERY]) assertEquals(await request(storage, key), key);
      await store(storage, "/new", "new");
      assertEquals(await request(storage, "/new"), "new");
      assertEquals(storage.usage().entries, KEYS.length + 2);
    });
    assertEquals(messages.length, 1, messages.join("\n"));
    assertMatch(messages[0] ?? "", /Index is not usable, a new one is begun/);

    const again = await local.restart();
    for (const key of [...KEYS, QUERY]) assertEquals(await readFound(again, key), key);
    assertEquals(await readFound(again, "/new"), "new");
  });
}

async function readFound(storage: LocalStorage, key: string): Promise<string | null> {
  const entry = storage.find(key);
  return entry === null ? null : await readEntry(storage, entry);
}

for (const name of ["cut to nothing", "filled with noise"]) {
  Deno.test(`an index that is ${name} is replaced as soon as a row cannot be read`, async () => {
    await using local = await openFilled(new HeldClock());
    const messages = await warnings(async () => {
      DAMAGES[name]?.(`${local.data}/.cache-proxy`);
      for (const key of [...KEYS, QUERY]) assertEquals(await request(local.storage, key), key);
    });
    assertEquals(messages.length, 1, messages.join("\n"));
  });
}

/** What SQLite does not notice as long as it has everything in memory. */
const UNNOTICED: Record<string, (path: string) => void> = {
  removed: (path) => Deno.removeSync(path),
  cut: (path) => Deno.truncateSync(path, 4096),
  overwritten: (path) => fillWithNoise(path, 0),
  replaced: (path) => {
    Deno.copyFileSync(path, `${path}.copy`);
    Deno.renameSync(`${path}.copy`, path);
  },
};

for (const [name, damage] of Object.entries(UNNOTICED)) {
  Deno.test(`that the file of the index was ${name} is seen by looking at it`, async () => {
    const clock = new HeldClock();
    await using local = await TemporaryStorage.open({ clock });
    await store(local.storage, "/a", "hello");
    const messages = await warnings(async () => {
      damage(`${local.data}/.cache-proxy/index.db`);
      clock.instant += LOOK_AGAIN_MS - 1;
      assertEquals(await readFound(local.storage, "/a"), "hello");
      clock.instant -= 3 * LOOK_AGAIN_MS;
      assertEquals(local.storage.find("/a"), null);
    });
    assertMatch(messages.join("\n"), new RegExp(`^Index is not usable.*its file was ${name}`));
    assertEquals(await request(local.storage, "/a"), "hello");
  });
}

Deno.test("a new index is filled by a pass of its own", async () => {
  const clock = new HeldClock();
  await using local = await openFilled(clock);
  const stopping = new AbortController();
  const kept = local.storage.keepReconciled(stopping.signal);
  await warnings(async () => {
    await Deno.remove(`${local.data}/.cache-proxy/index.db`);
    clock.instant += LOOK_AGAIN_MS;
    assertEquals(local.storage.find("/pool/0"), null);
    while (local.storage.usage().entries < KEYS.length + 1) {
      await new Promise((resolve) => setTimeout(resolve));
    }
    stopping.abort();
    await kept;
  });
  assertEquals(await readFound(local.storage, QUERY), QUERY);
});

Deno.test("with no place for an index there is one in memory, until it has a place again", async () => {
  const clock = new HeldClock();
  await using local = await openFilled(clock);
  const { storage } = local;
  const folder = `${local.data}/.cache-proxy`;
  const messages = await warnings(async () => {
    await Deno.rename(folder, `${local.data}/away`);
    clock.instant += LOOK_AGAIN_MS;
    for (const key of KEYS.slice(0, 100)) assertEquals(await request(storage, key), key);
    clock.instant += LOOK_AGAIN_MS;
    for (const key of KEYS.slice(0, 100)) assertEquals(await request(storage, key), key);
    // A pass makes the folder again, and the next look finds it.
    await storage.reconcile(new AbortController().signal);
    clock.instant += LOOK_AGAIN_MS;
    await storage.reconcile(new AbortController().signal);
  });
  assertEquals(messages.length, 2, messages.join("\n"));
  assertMatch(messages[0] ?? "", /No index can be had on disk/);
  assertMatch(messages[1] ?? "", /is on disk again/);
  const again = await local.restart();
  assertEquals(await readFound(again, "/pool/7"), "/pool/7");
});
