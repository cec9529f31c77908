import { configureSync, type LogRecord, resetSync } from "@logtape/logtape";
import { assertEquals, assertExists, assertMatch, assertRejects } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { StorageError } from "../../src/errors.ts";
import type { LocalStorage } from "../../src/storage/local_storage.ts";
import { diskBytes } from "../../src/storage/space.ts";
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

/** What version 0.1.0 wrote, word for word. */
const VERSION_1 = `
  CREATE TABLE entries (
    key TEXT PRIMARY KEY,
    file TEXT NOT NULL,
    size INTEGER NOT NULL,
    modified_at INTEGER NOT NULL,
    inode REAL NOT NULL,
    etag TEXT,
    last_modified INTEGER,
    headers TEXT NOT NULL,
    upstream TEXT,
    stored_at INTEGER NOT NULL,
    validated_at INTEGER NOT NULL,
    last_used INTEGER NOT NULL,
    hits INTEGER NOT NULL
  ) STRICT;
  PRAGMA user_version = 1;
  PRAGMA journal_mode = WAL`;

/** Puts an index of version 1 in the place of the one that is there, with the same entries. */
function writeVersion1(path: string): void {
  const now = new DatabaseSync(path);
  const rows = now.prepare("SELECT * FROM entries").all();
  now.close();
  for (const suffix of ["", "-wal", "-shm"]) {
    try {
      Deno.removeSync(path + suffix);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  const old = new DatabaseSync(path);
  old.exec(VERSION_1);
  const columns = old.prepare("SELECT name FROM pragma_table_info('entries')").all()
    .map((row) => String(row["name"]));
  const insert = old.prepare(
    `INSERT INTO entries (${columns}) VALUES (${columns.map(() => "?")})`,
  );
  for (const row of rows) insert.run(...columns.map((name) => row[name] ?? null));
  old.close();
}

Deno.test("an index of version 1 is brought up to date with all its entries", async () => {
  await using local = await openWithEntries();
  const index = `${local.data}/.cache-proxy/index.db`;
  const entry = local.storage.find("/pool/7");
  assertExists(entry);
  const times = { requestedAt: NOW - 5, validatedAt: NOW + 5 };
  local.storage.validated(entry, times);
  local.storage.used("/pool/7", NOW + 7);
  const usage = local.storage.usage();
  await local.restart(() => writeVersion1(index));
  // Version 1 did not know when the request was sent.
  const migrated = { ...entry, requestedAt: NOW + 5, validatedAt: NOW + 5 };
  for (let start = 0; start < 2; start++) {
    const { storage } = local;
    assertEquals(storage.find("/pool/7"), migrated);
    assertEquals(await readEntry(storage, migrated), "777777777");
    assertEquals(storage.usage(), usage);
    await store(storage, "/pool/new", "new");
    await storage.remove("/pool/new");
    await local.restart();
  }
  local.storage.close();
  const database = new DatabaseSync(index);
  const row = database.prepare("SELECT hits, last_used FROM entries WHERE key = '/pool/7'").get();
  database.close();
  assertEquals({ ...row }, { hits: 1, last_used: NOW + 7 });
});

Deno.test("a damaged index of version 1 is set aside", async () => {
  await using local = await openWithEntries();
  const index = `${local.data}/.cache-proxy/index.db`;
  const storage = await local.restart(() => {
    writeVersion1(index);
    damageMiddle(index);
  });
  await assertAdopts(storage);
});

Deno.test("the totals are those of the rows, whatever becomes of them", async () => {
  await using local = await openWithEntries();
  const { storage } = local;
  await store(storage, "/pool/1", "x".repeat(10_000), { storedAt: NOW + 1 });
  await store(storage, "/pool/2", "", { storedAt: NOW + 1 });
  await storage.remove("/pool/3");
  await local.put("hand", "by hand");
  await storage.adopt("/hand");
  storage.used("/pool/4", NOW + 9);
  const { entries, bytes } = (await local.restart()).usage();
  local.storage.close();
  const database = new DatabaseSync(`${local.data}/.cache-proxy/index.db`);
  const rows = database.prepare("SELECT size FROM entries").all();
  database.close();
  assertEquals(entries, rows.length);
  assertEquals(bytes, rows.reduce((sum, row) => sum + diskBytes(Number(row["size"])), 0));
});
