import { getLogger } from "@logtape/logtape";
import { LRUCache } from "lru-cache";
import type { DatabaseSync, SQLOutputValue } from "node:sqlite";
import type { Clock, Entry, HeaderList, Instant, Key } from "../types.ts";
import type { FileIdentity } from "./file_identity.ts";
import { beginIndexDatabase, IN_HIDDEN_FOLDER, openIndexDatabase } from "./index_database.ts";
import { IndexWatch } from "./index_watch.ts";
import type { Uses } from "./pending_uses.ts";
import { BLOCK_BYTES } from "./space.ts";
import type { Validation } from "./storage.ts";
import { isDamagedDatabase, storageFailure } from "./storage_failure.ts";

/** SQLite's name for a database that is in no file. */
const IN_MEMORY = ":memory:";

/** Keys that were looked for in vain: each miss asks several times. */
const MAX_MISSING = 1_000;

/** Entries that are kept in memory in front of the database: some 10 MB. */
const MAX_RECENT = 10_000;

const log = getLogger(["cache-proxy", "storage"]);

/** An entry, and what its file was when it came into the index. */
export interface IndexedFile {
  readonly entry: Entry;
  readonly identity: FileIdentity;
}

/**
 * The columns of an entry in the order of `INSERT`: what a new copy keeps in its own way stands first
 * and last. Bound by their names they would cost 32 µs a row in place of 16.
 */
const COLUMNS: readonly (readonly [
  name: string,
  value: (indexed: IndexedFile, lastUsed: Instant) => string | number | null,
])[] = [
  ["key", ({ entry }) => entry.key],
  ["status", ({ entry }) => entry.status],
  ["file", ({ entry }) => entry.file],
  ["size", ({ entry }) => entry.size],
  ["modified_at", ({ identity }) => identity.modifiedAt],
  ["inode", ({ identity }) => identity.inode],
  ["etag", ({ entry }) => entry.etag],
  ["last_modified", ({ entry }) => entry.lastModified],
  ["headers", ({ entry }) => JSON.stringify(entry.headers)],
  ["upstream", ({ entry }) => entry.upstream],
  ["stored_at", ({ entry }) => entry.storedAt],
  ["requested_at", ({ entry }) => entry.requestedAt],
  ["validated_at", ({ entry }) => entry.validatedAt],
  ["vary", ({ entry }) => JSON.stringify(entry.vary)],
  ["last_used", (_, lastUsed) => lastUsed],
];

const INSERT = `
  INSERT INTO entries (${COLUMNS.map(([name]) => name).join()}, hits)
  VALUES (${COLUMNS.map(() => "?").join()}, 0)
  ON CONFLICT (key) DO`;

/** Entries, and the bytes that their files take of the disk. */
export interface Totals {
  readonly entries: number;
  readonly bytes: number;
}

/** An entry, and how it is used. */
export interface ListedEntry {
  readonly entry: Entry;
  readonly lastUsed: Instant;
  readonly hits: number;
}

/** A place in the order of last uses, from the least recent on. */
export interface UsePosition {
  readonly lastUsed: Instant;
  readonly storedAt: Instant;
  readonly row: number;
}

/** An entry in the order of last uses. */
export interface UsedFile extends IndexedFile {
  readonly position: UsePosition;
}

/** Comes before all entries. */
const FIRST_POSITION: UsePosition = {
  lastUsed: Number.MIN_SAFE_INTEGER,
  storedAt: Number.MIN_SAFE_INTEGER,
  row: 0,
};

/** A new copy does not make a key less popular: `hits` stays. */
const REPLACE = `${INSERT} UPDATE SET
    ${COLUMNS.slice(1, -1).map(([name]) => `${name} = excluded.${name}`).join()},
    last_used = max(last_used, excluded.last_used)`;

/**
 * What is known of the files, by key: one table in SQLite. All methods are synchronous and touch
 * nothing but the index.
 *
 * All throw {@linkcode StorageError} when the index cannot be read or written. One that proves to be
 * damaged is set aside, and a new one begun on the spot.
 */
export class EntryIndex {
  readonly #path: string;
  readonly #clock: Pick<Clock, "now">;
  #database: DatabaseSync;
  #statements: Statements;
  #watch: IndexWatch;
  /** Whether no index on disk can be had, so that there is one in memory. */
  #isInMemory = false;
  /**
   * Called when a new index has been begun, in the midst of any method: what the old one knew has to
   * be found again. Must not throw.
   */
  onBegun: () => void = () => {};
  /** Called when an entry has changed or gone; with null when any may have. Must not throw. */
  onChanged: (key: Key | null) => void = () => {};
  /** As in the database; null: to be read. */
  #totals: Totals | null = null;
  /** Keys without an entry. */
  readonly #missing = new Set<Key>();
  /** What was looked up last, as it is in the database. */
  readonly #recent = new LRUCache<Key, IndexedFile>({ max: MAX_RECENT });

  constructor(path: string, clock: Pick<Clock, "now">) {
    this.#path = path;
    this.#clock = clock;
    this.#database = openIndexDatabase(path, clock.now());
    this.#watch = new IndexWatch(path, clock);
    try {
      this.#statements = prepareAll(this.#database);
    } catch (error) {
      this.#statements = this.#beginAnew(error);
    }
  }

  find(key: Key): IndexedFile | null {
    if (this.#watch.isDue()) this.#look();
    const recent = this.#recent.get(key);
    if (recent !== undefined) return recent;
    if (this.#missing.has(key)) return null;
    const found = this.#guard("read index", ({ find }) => {
      const row = find.get(key);
      return row === undefined ? null : fromRow(row);
    });
    if (found !== null) this.#recent.set(key, found);
    else this.#noteMissing(key);
    return found;
  }

  /** Entries in the order of their last uses, those of one instant in that of their storing. */
  leastRecentlyUsed(count: number, after: UsePosition = FIRST_POSITION): UsedFile[] {
    const { lastUsed, storedAt, row } = after;
    return this.#guard(
      "read index",
      ({ leastUsed }) => leastUsed.all(lastUsed, storedAt, row, count).map(fromUsedRow),
    );
  }

  totals(): Totals {
    if (this.#watch.isDue()) this.#look();
    // Asked several times for each file that is stored.
    return this.#totals ??= this.#guard("read index", ({ totals }) => {
      const row = totals.get();
      return { entries: Number(row?.["entries"]), bytes: Number(row?.["blocks"]) * BLOCK_BYTES };
    });
  }

  /** Whether the index knows all files that were in the tree when it was begun. */
  isSearched(): boolean {
    return this.#guard("read index", ({ totals }) => totals.get()?.["searched"] === 1);
  }

  /** The whole tree was looked through. */
  noteSearched(): void {
    this.#guard("write index", ({ searched }) => searched.run());
  }

  /** So many entries behind a key, in the order of the keys. */
  page(after: Key, count: number): IndexedFile[] {
    return this.#guard("read index", ({ page }) => page.all(after, count).map(fromRow));
  }

  /** As `page`, with the uses that have been written. */
  list(after: Key, count: number): ListedEntry[] {
    return this.#guard("read index", ({ page }) => page.all(after, count).map(fromListedRow));
  }

  /** When an entry was used last, as far as that was written; null when there is none. */
  lastUsed(key: Key): Instant | null {
    const row = this.#guard("read index", ({ lastUsed }) => lastUsed.get(key));
    return row === undefined ? null : row["last_used"] as number;
  }

  /** Whether an entry has a file of the hidden folder. */
  names(file: string): boolean {
    return this.#guard("read index", ({ names }) => names.get(file)) !== undefined;
  }

  /** Takes the place of what the key had. */
  replace(indexed: IndexedFile): void {
    this.#guard(
      "write index",
      ({ replace }) => replace.run(...toRow(indexed, indexed.entry.storedAt)),
    );
    this.#changed(indexed.entry.key);
  }

  /** As `replace` for each, all or none of them, in one transaction. */
  replaceAll(all: readonly IndexedFile[]): void {
    this.#guard("write index", ({ replace }) =>
      this.#inTransaction(() => {
        for (const indexed of all) replace.run(...toRow(indexed, indexed.entry.storedAt));
      }));
    for (const { entry } of all) this.#changed(entry.key);
  }

  /**
   * Does nothing when the key has an entry.
   *
   * @param lastUsed When it was used last, for all that is known: what was stored long ago is not
   * out of use for that.
   * @returns Whether it had none.
   */
  add(indexed: IndexedFile, lastUsed: Instant = indexed.entry.storedAt): boolean {
    const { changes } = this.#guard(
      "write index",
      ({ add }) => add.run(...toRow(indexed, lastUsed)),
    );
    this.#totals = null;
    this.#missing.delete(indexed.entry.key);
    return Number(changes) > 0;
  }

  /** Does nothing when the key has another file by now. Whether the entry was there. */
  drop({ entry, identity }: IndexedFile): boolean {
    const { changes } = this.#guard("write index", ({ drop }) =>
      drop.run({
        key: entry.key,
        file: entry.file,
        stored_at: entry.storedAt,
        size: identity.size,
        modified_at: identity.modifiedAt,
        inode: identity.inode,
      }));
    this.#changed(entry.key);
    return Number(changes) > 0;
  }

  /** The entry as it is now; null when it is no longer there. */
  validated({ key, storedAt, file }: Entry, update: Validation): Entry | null {
    const entry = this.find(key)?.entry;
    if (entry === undefined || entry.file !== file || entry.storedAt !== storedAt) return null;
    const validated = { ...entry, ...update };
    this.#guard("write index", ({ validated: statement }) =>
      statement.run({
        key,
        etag: validated.etag,
        last_modified: validated.lastModified,
        headers: JSON.stringify(validated.headers),
        requested_at: validated.requestedAt,
        validated_at: validated.validatedAt,
        vary: JSON.stringify(validated.vary),
      }));
    this.#changed(key);
    return validated;
  }

  /**
   * Entries that were used while the clock was wrong, to go in their turn: as if they had been used
   * now. So many at most.
   */
  forgetFutureUses(after: Instant, now: Instant, count: number): void {
    this.#guard("write index", ({ futureUses }) => futureUses.run(now, after, count));
  }

  /** Writes all in one transaction. Keys without an entry are passed over. */
  used(batch: ReadonlyMap<Key, Uses>): void {
    this.#guard("write index", ({ used }) =>
      this.#inTransaction(() => {
        for (const [key, { hits, lastUsed }] of batch) {
          used.run({ key, hits, last_used: lastUsed });
        }
      }));
  }

  close(): void {
    try {
      this.#database.close();
    } catch (error) {
      throw storageFailure("close index", error);
    }
  }

  #noteMissing(key: Key): void {
    if (this.#missing.size >= MAX_MISSING) this.#missing.clear();
    this.#missing.add(key);
  }

  #inTransaction(run: () => void): void {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      run();
      this.#database.exec("COMMIT");
    } catch (error) {
      rollBack(this.#database);
      throw error;
    }
  }

  /** null: all of them may have. */
  #changed(key: Key | null): void {
    this.#totals = null;
    if (key === null) {
      this.#recent.clear();
      this.#missing.clear();
    } else {
      this.#recent.delete(key);
      this.#missing.delete(key);
    }
    this.onChanged(key);
  }

  #guard<Result>(action: string, run: (statements: Statements) => Result): Result {
    if (this.#watch.isDue()) this.#look();
    try {
      return run(this.#statements);
    } catch (error) {
      if (this.#isInMemory || !isDamagedDatabase(error)) throw storageFailure(action, error);
      this.#statements = this.#beginAnew(error);
    }
    try {
      return run(this.#statements);
    } catch (error) {
      throw storageFailure(action, error);
    }
  }

  /** Sees what has become of the file behind our back. */
  #look(): void {
    if (this.#isInMemory) return this.#returnToDisk();
    const problem = this.#watch.problem();
    if (problem !== null) this.#statements = this.#beginAnew(problem);
  }

  /** No request fails for a lost index: files are adopted, so nothing cached is lost. */
  #beginAnew(why: unknown): Statements {
    closeQuietly(this.#database);
    try {
      this.#database = beginIndexDatabase(this.#path, this.#clock.now(), why);
      this.#watch = new IndexWatch(this.#path, this.#clock);
    } catch (error) {
      log.warn("No index can be had on disk, one in memory is used meanwhile: {error}", { error });
      this.#database = openIndexDatabase(IN_MEMORY, this.#clock.now());
      this.#isInMemory = true;
    }
    this.#changed(null);
    this.onBegun();
    return prepareAll(this.#database);
  }

  /** Tries again what failed, and says nothing when it fails again. */
  #returnToDisk(): void {
    try {
      const database = openIndexDatabase(this.#path, this.#clock.now());
      closeQuietly(this.#database);
      this.#database = database;
      this.#statements = prepareAll(database);
      this.#watch = new IndexWatch(this.#path, this.#clock);
    } catch {
      return;
    }
    this.#isInMemory = false;
    log.warn("Index {path} is on disk again", { path: this.#path });
    this.#changed(null);
    this.onBegun();
  }
}

type Statements = ReturnType<typeof prepareAll>;

function prepareAll(database: DatabaseSync) {
  return {
    find: database.prepare("SELECT * FROM entries WHERE key = ?"),
    lastUsed: database.prepare("SELECT last_used FROM entries WHERE key = ?"),
    page: database.prepare("SELECT * FROM entries WHERE key > ? ORDER BY key LIMIT ?"),
    names: database.prepare(`SELECT 1 FROM entries WHERE file = ? AND ${IN_HIDDEN_FOLDER}`),
    leastUsed: database.prepare(
      "SELECT *, rowid FROM entries WHERE (last_used, stored_at, rowid) > (?, ?, ?)" +
        " ORDER BY last_used, stored_at, rowid LIMIT ?",
    ),
    totals: database.prepare("SELECT * FROM totals"),
    searched: database.prepare("UPDATE totals SET searched = 1"),
    replace: database.prepare(REPLACE),
    add: database.prepare(`${INSERT} NOTHING`),
    drop: database.prepare(
      "DELETE FROM entries WHERE key = :key AND file = :file AND stored_at = :stored_at" +
        " AND size = :size AND modified_at = :modified_at AND inode = :inode",
    ),
    validated: database.prepare(
      "UPDATE entries SET requested_at = :requested_at, validated_at = :validated_at," +
        " headers = :headers, etag = :etag, last_modified = :last_modified, vary = :vary" +
        " WHERE key = :key",
    ),
    futureUses: database.prepare(
      "UPDATE entries SET last_used = ? WHERE rowid IN" +
        " (SELECT rowid FROM entries WHERE last_used > ? LIMIT ?)",
    ),
    used: database.prepare(
      "UPDATE entries SET hits = hits + :hits, last_used = max(last_used, :last_used)" +
        " WHERE key = :key",
    ),
  };
}

/** Of a database that is lost: whatever it could not write is of no use any more. */
function closeQuietly(database: DatabaseSync): void {
  try {
    database.close();
  } catch {
    // There is nothing left to save.
  }
}

/** Some failures have rolled back already; then there is nothing left to undo. */
function rollBack(database: DatabaseSync): void {
  try {
    database.exec("ROLLBACK");
  } catch {
    // The first error says more.
  }
}

function toRow(indexed: IndexedFile, lastUsed: Instant): (string | number | null)[] {
  return COLUMNS.map(([, value]) => value(indexed, lastUsed));
}

/** The table is STRICT, so each column has the type that `toRow` gave it. */
function fromRow(row: Record<string, SQLOutputValue>): IndexedFile {
  const size = row["size"] as number;
  return {
    entry: {
      key: row["key"] as string,
      status: row["status"] as number,
      file: row["file"] as string,
      size,
      etag: row["etag"] as string | null,
      lastModified: row["last_modified"] as number | null,
      headers: JSON.parse(row["headers"] as string) as HeaderList,
      upstream: row["upstream"] as string | null,
      storedAt: row["stored_at"] as number,
      requestedAt: row["requested_at"] as number,
      validatedAt: row["validated_at"] as number,
      vary: JSON.parse(row["vary"] as string) as HeaderList,
    },
    identity: { size, modifiedAt: row["modified_at"] as number, inode: row["inode"] as number },
  };
}

function fromListedRow(row: Record<string, SQLOutputValue>): ListedEntry {
  const { entry } = fromRow(row);
  return { entry, lastUsed: row["last_used"] as number, hits: row["hits"] as number };
}

function fromUsedRow(row: Record<string, SQLOutputValue>): UsedFile {
  const indexed = fromRow(row);
  const position = {
    lastUsed: row["last_used"] as number,
    storedAt: indexed.entry.storedAt,
    row: row["rowid"] as number,
  };
  return { ...indexed, position };
}
