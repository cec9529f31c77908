import { getLogger } from "@logtape/logtape";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import {
  ALGORITHMS,
  type Digest,
  type DigestAlgorithm,
  type PublishedFile,
} from "../decide/digests/digest.ts";
import type { Key } from "../types.ts";

/** Kept in the file as `user_version`; a file with another one is begun anew. */
const SCHEMA_VERSION = 1;

/** Rows of lists that are no longer in force, removed at a time: some milliseconds. */
const REMOVED_AT_ONCE = 500;

/** The log is put into the database when it has so many pages: 32 MiB. */
const LOG_PAGES = 8_000;

/** Pages of the database in memory: so many that those of one long list's names stay there. */
const CACHE_KIB = 8 * 1024;

/**
 * `state` of a list: 0 while it is being read, 1 in force, 2 its rows are to be removed. `source` is
 * what it is called whatever it was fetched by, so that a new one takes the place of the old one.
 *
 * A file's `name` is a hash of its key: an index of keys would be as large as the table. Rows of one
 * list are next to each other, from `first` up to but without `next`: so they need none of their own.
 */
const SCHEMA = `
  CREATE TABLE lists (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    key TEXT NOT NULL,
    version TEXT NOT NULL,
    state INTEGER NOT NULL,
    first INTEGER NOT NULL,
    next INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX lists_by_key ON lists (key);
  CREATE TABLE digests (
    id INTEGER PRIMARY KEY,
    name INTEGER NOT NULL,
    list INTEGER NOT NULL,
    algorithm INTEGER NOT NULL,
    value BLOB NOT NULL,
    size INTEGER,
    key TEXT NOT NULL,
    alias TEXT
  ) STRICT;
  CREATE INDEX digests_by_name ON digests (name);
  CREATE TABLE rules (text TEXT NOT NULL) STRICT;
  INSERT INTO rules VALUES ('')`;

const log = getLogger(["cache-proxy", "storage"]);

/** What a list in force says of a file. */
export interface KnownDigest {
  readonly digest: Digest;
  /** Bytes; null: not said. */
  readonly size: number | null;
  /** As in `PublishedFile`. */
  readonly alias: Key | null;
  /** The key of the list as it is stored. */
  readonly list: Key;
}

/** A list that was read. */
export interface ReadList {
  /** What a new one takes the place of: its key, without what says how it is compressed. */
  readonly source: Key;
  /** The key that it is stored under. */
  readonly key: Key;
  /** Which copy of that key it was. */
  readonly version: string;
}

/** A list on its way in. */
export interface ListWriter {
  /** Rows that have been added. */
  readonly rows: number;
  /** One transaction: a few hundred files at a time take some milliseconds. */
  add(files: readonly PublishedFile[]): void;
  /** From now on it counts in place of the one before. */
  finish(): void;
  /** Nothing of it counts. Does nothing after `finish`. */
  discard(): void;
}

/**
 * What stored lists say of other files: a database of its own beside the index. It holds nothing
 * that the lists do not say, so a damaged or missing one is begun anew and they are read again.
 */
export class DigestIndex {
  readonly #database: DatabaseSync;
  readonly #find: StatementSync;
  readonly #insert: StatementSync;
  /** Of the next row. */
  #next: number;

  private constructor(database: DatabaseSync) {
    this.#database = database;
    this.#find = database.prepare(
      `SELECT algorithm, value, size, alias, lists.key AS list FROM digests JOIN lists ON lists.id = list
        WHERE name = ? AND digests.key = ? AND state < 2`,
    );
    this.#insert = database.prepare(
      "INSERT INTO digests VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    );
    const last = database.prepare("SELECT max(id) AS id FROM digests").get();
    this.#next = Number(last?.["id"] ?? 0) + 1;
    // What a crash has left half read.
    database.exec("UPDATE lists SET state = 2 WHERE state = 0");
  }

  /**
   * @param path Of the database; made when it is missing. Nobody else may have it open.
   * @throws {Error} When the file can be neither read nor made anew.
   */
  static open(path: string): DigestIndex {
    try {
      return new DigestIndex(openDatabase(path));
    } catch (error) {
      log.info("What is known of digests is lost, lists are read again: {error}", { error });
      for (const suffix of ["", "-wal", "-shm", "-journal"]) removeIfThere(path + suffix);
      return new DigestIndex(openDatabase(path));
    }
  }

  /** What lists in force say of a file: several digests where they do not agree. */
  find(key: Key): KnownDigest[] {
    return this.#find.all(nameOf(key), key).map((row) => ({
      digest: {
        algorithm: ALGORITHMS[Number(row["algorithm"])] as DigestAlgorithm,
        value: (row["value"] as Uint8Array).toHex(),
      },
      size: row["size"] === null ? null : Number(row["size"]),
      alias: row["alias"] as string | null,
      list: String(row["list"]),
    }));
  }

  /** Lists in force, in the order in which they were read. */
  lists(): ReadList[] {
    return this.#database.prepare(
      "SELECT source, key, version FROM lists WHERE state = 1 ORDER BY id",
    ).all().map((row) => ({
      source: String(row["source"]),
      key: String(row["key"]),
      version: String(row["version"]),
    }));
  }

  /** The list in force that was read from a stored key. */
  listOf(key: Key): ReadList | null {
    const row = this.#database.prepare(
      "SELECT source, version FROM lists WHERE key = ? AND state = 1 ORDER BY id DESC",
    ).get(key);
    if (row === undefined) return null;
    return { source: String(row["source"]), key, version: String(row["version"]) };
  }

  /** Keys of the files that the list in force of a source names. */
  keysOf(source: Key): Key[] {
    return this.#database.prepare(
      `SELECT key FROM digests WHERE id BETWEEN
        (SELECT first FROM lists WHERE source = ?1 AND state = 1) AND
        (SELECT next - 1 FROM lists WHERE source = ?1 AND state = 1)`,
    ).all(source).map((row) => String(row["key"]));
  }

  /** Rows of lists in force. */
  get rows(): number {
    const row = this.#database.prepare("SELECT sum(next - first) AS n FROM lists WHERE state = 1")
      .get();
    return Number(row?.["n"] ?? 0);
  }

  /** The rules by which lists were found the last time; empty: none were looked for. */
  get rules(): string {
    return String(this.#database.prepare("SELECT text FROM rules").get()?.["text"] ?? "");
  }

  /** Empty: the same copies may say something else now, and all are to be read again. */
  set rules(text: string) {
    if (text === "") this.#database.exec("UPDATE lists SET version = ''");
    this.#database.prepare("UPDATE rules SET text = ?").run(text);
  }

  /**
   * Begins to take a list in; one at a time. What it says counts at once, beside what the one before
   * says.
   */
  begin({ source, key, version }: ReadList): ListWriter {
    const first = this.#next;
    const { lastInsertRowid } = this.#database.prepare(
      "INSERT INTO lists (source, key, version, state, first, next) VALUES (?, ?, ?, 0, ?, ?)",
    ).run(source, key, version, first, first);
    const id = Number(lastInsertRowid);
    const grow = this.#database.prepare("UPDATE lists SET next = ? WHERE id = ?");
    const rows = (): number => this.#next - first;
    let isOver = false;
    return {
      get rows(): number {
        return rows();
      },
      add: (files) => {
        const next = this.#next;
        this.#transaction(() => {
          for (const [n, file] of files.entries()) this.#insertRow(next + n, id, file);
          grow.run(next + files.length, id);
        });
        this.#next = next + files.length;
      },
      finish: () => {
        isOver = true;
        this.#transaction(() => {
          this.#database.prepare(
            "UPDATE lists SET state = 2 WHERE state = 1 AND (source = ? OR key = ?)",
          ).run(source, key);
          this.#database.prepare("UPDATE lists SET state = 1 WHERE id = ?").run(id);
        });
      },
      discard: () => {
        if (isOver) return;
        isOver = true;
        this.#database.prepare("UPDATE lists SET state = 2 WHERE id = ?").run(id);
      },
    };
  }

  /** What the list that is stored under a key has said does not count any more. */
  drop(key: Key): void {
    this.#database.prepare("UPDATE lists SET state = 2 WHERE key = ? AND state = 1").run(key);
  }

  /** Forgets the lists that were read first until at most so many rows are left. */
  shrink(maxRows: number): void {
    let { rows } = this;
    if (rows <= maxRows) return;
    const lists = this.#database.prepare(
      "SELECT id, next - first AS rows FROM lists WHERE state = 1 ORDER BY id",
    );
    const forget = this.#database.prepare("UPDATE lists SET state = 2 WHERE id = ?");
    for (const { id, rows: own } of lists.all()) {
      if (rows <= maxRows) return;
      forget.run(Number(id));
      rows -= Number(own);
    }
  }

  /** Removes some of the rows that do not count any more. Returns whether there may be others. */
  clean(): boolean {
    const dead = this.#database.prepare("SELECT id, first, next FROM lists WHERE state = 2").get();
    if (dead === undefined) return false;
    const [id, first, next] = [Number(dead["id"]), Number(dead["first"]), Number(dead["next"])];
    const upTo = Math.min(first + REMOVED_AT_ONCE, next);
    this.#transaction(() => {
      this.#database.prepare("DELETE FROM digests WHERE id >= ? AND id < ?").run(first, upTo);
      if (upTo < next) {
        this.#database.prepare("UPDATE lists SET first = ? WHERE id = ?").run(upTo, id);
      } else this.#database.prepare("DELETE FROM lists WHERE id = ?").run(id);
    });
    return true;
  }

  close(): void {
    this.#database.close();
  }

  #insertRow(row: number, list: number, { key, digest, size, alias }: PublishedFile): void {
    const algorithm = ALGORITHMS.indexOf(digest.algorithm);
    const value = Uint8Array.fromHex(digest.value);
    this.#insert.run(row, nameOf(key), list, algorithm, value, size, key, alias);
  }

  #transaction(run: () => void): void {
    this.#database.exec("BEGIN");
    try {
      run();
      this.#database.exec("COMMIT");
    } catch (error) {
      this.#database.exec("ROLLBACK");
      throw error;
    }
  }
}

/**
 * The same files in the order of the database's index: thousands at a time, so ordered, touch a tenth
 * of the pages.
 */
export function inIndexOrder(files: readonly PublishedFile[]): PublishedFile[] {
  return files.map((file) => ({ file, name: nameOf(file.key) }))
    .sort((a, b) => a.name - b.name)
    .map(({ file }) => file);
}

/** 53 bits of two FNV-like hashes side by side: a hash of `node:crypto` takes ten times as long. */
function nameOf(key: Key): number {
  let low = 0x811c9dc5;
  let high = 0x9e3779b9;
  for (let i = 0; i < key.length; i++) {
    const unit = key.charCodeAt(i);
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul(high ^ unit, 0x85ebca6b);
    high ^= high >>> 15;
  }
  return (high >>> 11) * 2 ** 32 + ((low ^ low >>> 15) >>> 0);
}

function openDatabase(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  try {
    // As for the index: no file in shared memory that somebody could cut.
    database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL");
    database.exec(`PRAGMA synchronous = NORMAL; PRAGMA cache_size = -${CACHE_KIB};
      PRAGMA wal_autocheckpoint = ${LOG_PAGES}`);
    const version = Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
    const tables = database.prepare("SELECT name FROM sqlite_schema").all();
    if (version === 0 && tables.length === 0) {
      database.exec(`BEGIN; ${SCHEMA}; PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
    } else if (version !== SCHEMA_VERSION) {
      throw new Error(`Digests have version ${version} instead of ${SCHEMA_VERSION}`);
    }
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
