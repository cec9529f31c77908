import { configureSync, type LogRecord, resetSync } from "@logtape/logtape";
import { assertEquals, assertExists, assertMatch, assertRejects } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { StorageError } from "../../src/errors.ts";
import type { LocalStorage } from "../../src/storage/local_storage.ts";
import { HeldClock, NOW, readEntry, store, TemporaryStorage } from "./support.ts";

const ASIDE = "index.db.corrupt-20240506T070809Z";

/** Ways in which an index is of no use. */
const DAMAGES: Record<string, (path: string) => void> = {
  "not a database": (path) => Deno.writeTextFileSync(path, "no database ".repeat(1000)),
  "cut off": (path) => Deno.truncateSync(path, 5000),
  "damaged in the middle": damageMiddle,
  "of a later version": (path) => execute(path, "PRAGMA user_version = 99"),
  "of somebody else": (path) => {
    Deno.removeSync(path);
    execute(path, "CREATE TABLE theirs (x)");
  },
};

function execute(path: string, sql: string): void {
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
}

/** Spoils all pages but the first, which holds version and schema. */
function damageMiddle(path: string): void {
  const { size } = Deno.statSync(path);
  using file = Deno.openSync(path, { write: true });
  file.seekSync(4096, Deno.SeekMode.Start);
  file.writeSync(new Uint8Array(size - 4096).fill(0x55));
}

async function openWithEntries(): Promise<TemporaryStorage> {
  const local = await TemporaryStorage.open({ clock: new HeldClock() });
  for (let n = 0; n < 30; n++) await store(local.storage, `/pool/${n}`, `${n}`.repeat(9));
  return local;
}

async function assertAdopts(storage: LocalStorage): Promise<void> {
  assertEquals(storage.find("/pool/7"), null);
  const adopted = await storage.adopt("/pool/7");
  assertExists(adopted);
  assertEquals(await readEntry(storage, adopted), "777777777");
}

for (const [name, damage] of Object.entries(DAMAGES)) {
  Deno.test(`an index that is ${name} is set aside, its files are adopted`, async () => {
    await using local = await openWithEntries();
    const index = `${local.data}/.cache-proxy/index.db`;
    const records: LogRecord[] = [];
    configureSync({
      sinks: { list: (record) => records.push(record) },
      loggers: [
        { category: "cache-proxy", sinks: ["list"], lowestLevel: "warning" },
        { category: ["logtape", "meta"], lowestLevel: "error" },
      ],
      reset: true,
    });
    let damaged = new Uint8Array();
    let storage: LocalStorage;
    try {
      storage = await local.restart(() => {
        damage(index);
        damaged = Deno.readFileSync(index);
      });
    } finally {
      resetSync();
    }
    await assertAdopts(storage);
    assertEquals(Deno.readFileSync(`${local.data}/.cache-proxy/${ASIDE}`), damaged);
    assertEquals(records.map((record) => record.category), [["cache-proxy", "storage"]]);
    assertMatch(String(records[0]?.message.join("")), /Index is not usable/);
  });
}

Deno.test("only the last index that was set aside is kept", async () => {
  await using local = await TemporaryStorage.open({ clock: new HeldClock(NOW) });
  const folder = "data/.cache-proxy";
  await local.restart(async () => {
    await local.put(".cache-proxy/index.db.corrupt-20200101T000000Z", "old");
    await local.put(".cache-proxy/index.db.corrupt-20200101T000000Z-wal", "old");
    await local.put(".cache-proxy/index.db", "damaged");
  });
  const kept = local.directory.list(folder).filter((name) => name.includes("corrupt"));
  assertEquals(kept, [ASIDE]);
});

Deno.test("an empty file is a new index", async () => {
  await using local = await TemporaryStorage.open();
  const storage = await local.restart(() => local.put(".cache-proxy/index.db", ""));
  const entry = await store(storage, "/a", "hello");
  assertEquals((await local.restart()).find("/a"), entry);
  assertEquals(local.directory.list("data/.cache-proxy").join().includes("corrupt"), false);
});

Deno.test("an index that cannot be opened is an error, stays, and the lock is given back", async () => {
  await using local = await TemporaryStorage.open();
  const index = `${local.data}/.cache-proxy/index.db`;
  await assertRejects(
    () =>
      local.restart(async () => {
        await Deno.remove(index);
        await Deno.mkdir(index);
      }),
    StorageError,
    `Cannot open index "${index}"`,
  );
  await local.restart(() => Deno.remove(index));
});
