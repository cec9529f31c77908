import { getLogger } from "@logtape/logtape";
import { basename, dirname, join } from "@std/path";
import { DatabaseSync } from "node:sqlite";
import { HIDDEN_FOLDER } from "../decide/tree_path.ts";
import type { Instant } from "../types.ts";
import { BLOCK_BYTES } from "./space.ts";
import { isDamagedDatabase, storageFailure } from "./storage_failure.ts";

/** Kept in the file as `user_version`. Version 1 is brought up to date, any other is not read. */
const SCHEMA_VERSION = 2;

/**
 * A file up to this size is checked as a whole when it is opened: 0.15 s for 300,000 entries. With a
 * larger one the start would wait for the check. Its damage shows when a row is read.
 */
const MAX_CHECKED_BYTES = 128 * 1024 * 1024;

/** How long a statement waits while somebody else, an administrator with a shell, writes. */
const BUSY_TIMEOUT_MS = 1000;

/**
 * Pages of 4 KiB in the log, 64 MiB, until they are moved into the database. Whoever writes then
 * waits for the disk, and everybody with it: 0.1 s, more while others write. With SQLite's 1,000
 * that was a fifth of the time under a load of misses, and hits took up to 0.27 s.
 */
const LOG_PAGES = 16_384;

/** Of the rows whose files are looked up by name: those of the tree are found by their keys. */
export const IN_HIDDEN_FOLDER = `file GLOB '${HIDDEN_FOLDER}/*'`;

/**
 * Instants are milliseconds since the epoch; `headers` and `vary` are JSON; the rest is as in
 * `Entry`. Triggers keep the totals, so that they are right after a crash and cost nothing at the
 * start: the sum of two million rows takes a third of a second, from a cold disk far more.
 * `searched` says whether the whole tree was looked through for files since the index was begun.
 */
const SCHEMA = `
  CREATE TABLE entries (
    key TEXT PRIMARY KEY,
    status INTEGER NOT NULL,
    file TEXT NOT NULL,
    size INTEGER NOT NULL,
    modified_at INTEGER NOT NULL,
    inode REAL NOT NULL,
    etag TEXT,
    last_modified INTEGER,
    headers TEXT NOT NULL,
    upstream TEXT,
    stored_at INTEGER NOT NULL,
    requested_at INTEGER NOT NULL,
    validated_at INTEGER NOT NULL,
    vary TEXT NOT NULL,
    last_used INTEGER NOT NULL,
    hits INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX entries_by_use ON entries (last_used, stored_at);
  CREATE INDEX entries_by_hidden_file ON entries (file) WHERE ${IN_HIDDEN_FOLDER};
  CREATE TABLE totals (
    entries INTEGER NOT NULL,
    blocks INTEGER NOT NULL,
    searched INTEGER NOT NULL
  ) STRICT;
  INSERT INTO totals VALUES (0, 0, 0);
  CREATE TRIGGER entries_insert AFTER INSERT ON entries BEGIN
    UPDATE totals SET entries = entries + 1, blocks = blocks + ${blocks("new.size")};
  END;
  CREATE TRIGGER entries_update AFTER UPDATE OF size ON entries BEGIN
    UPDATE totals SET blocks = blocks + ${blocks("new.size")} - ${blocks("old.size")};
  END;
  CREATE TRIGGER entries_delete AFTER DELETE ON entries BEGIN
    UPDATE totals SET entries = entries - 1, blocks = blocks - ${blocks("old.size")};
  END`;

/** Version 1 held answers with status 200 alone, and of the instants of an answer only one. */
const COPY_VERSION_1 = `
  INSERT INTO entries
    SELECT key, 200, file, size, modified_at, inode, etag, last_modified, headers, upstream,
      stored_at, validated_at, validated_at, '[]', last_used, hits
    FROM entries_1`;

const log = getLogger(["cache-proxy", "storage"]);

/**
 * Opens the file of the index, creates it when it is missing. A damaged file, or one of an unknown
 * version, is set aside and a new one begun: files are adopted, so nothing cached is lost.
 *
 * @param now Goes into the name of the file that is set aside.
 * @throws {StorageError} When the file cannot be opened, moved or created.
 */
export function openIndexDatabase(path: string, now: Instant): DatabaseSync {
  try {
    return openDatabase(path);
  } catch (error) {
    if (!isDamagedDatabase(error) && !(error instanceof UnknownIndexError)) {
      throw storageFailure(`open index "${path}"`, error);
    }
    return beginIndexDatabase(path, now, error);
  }
}

/**
 * Sets a file that is of no use aside and begins a new one.
 *
 * @param now Goes into the name of the file that is set aside.
 * @param why For the log.
 * @throws {StorageError} When the file cannot be moved or created.
 */
export function beginIndexDatabase(path: string, now: Instant, why: unknown): DatabaseSync {
  const aside = setAside(path, now);
  log.warn("Index is not usable, a new one is begun, the old one is {aside}: {error}", {
    aside,
    error: why,
  });
  try {
    return openDatabase(path);
  } catch (error) {
    throw storageFailure(`create index "${path}"`, error);
  }
}

/** The file is a database, but not one of ours or not of this version. */
class UnknownIndexError extends Error {}

function openDatabase(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  try {
    database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    // Without it a part of the index would be memory shared by way of a file: whoever cuts that file
    // ends the process (SIGBUS). Nobody else can read the index meanwhile, only a copy of its files.
    database.exec("PRAGMA locking_mode = EXCLUSIVE");
    check(database);
    database.exec("PRAGMA journal_mode = WAL");
    database.exec(`PRAGMA wal_autocheckpoint = ${LOG_PAGES}`);
    // With WAL a power cut may lose the last rows and damages nothing.
    database.exec("PRAGMA synchronous = NORMAL");
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Prepared statements here, since `exec` gives no result code with its errors. */
function check(database: DatabaseSync): void {
  const version = pragma(database, "user_version");
  if (version === 1 || version === SCHEMA_VERSION) {
    const bytes = Number(pragma(database, "page_count")) * Number(pragma(database, "page_size"));
    const verdict = bytes > MAX_CHECKED_BYTES ? "ok" : pragma(database, "quick_check(1)");
    if (verdict !== "ok") throw new UnknownIndexError(`Index is damaged: ${verdict}`);
    if (version === 1) migrate(database);
    return;
  }
  const tables = database.prepare("SELECT name FROM sqlite_schema").all();
  if (version !== 0 || tables.length > 0) {
    throw new UnknownIndexError(`Index has version ${version} instead of ${SCHEMA_VERSION}`);
  }
  database.exec(`BEGIN; ${SCHEMA}; PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
}

/** One transaction: a crash leaves either version whole. */
function migrate(database: DatabaseSync): void {
  database.exec(`BEGIN IMMEDIATE; ALTER TABLE entries RENAME TO entries_1; ${SCHEMA}`);
  const { changes } = database.prepare(COPY_VERSION_1).run();
  database.exec(
    `DROP TABLE entries_1; UPDATE totals SET searched = 1; PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`,
  );
  log.info("Index is brought up to version {version}: {count} entries", {
    version: SCHEMA_VERSION,
    count: changes,
  });
}

/** The blocks that a file of a size takes: `BLOCK_BYTES` each. */
function blocks(size: string): string {
  return `(${size} + ${BLOCK_BYTES - 1}) / ${BLOCK_BYTES}`;
}

function pragma(database: DatabaseSync, name: string): unknown {
  return Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0];
}

/** Renames the database and what belongs to it; of those set aside before none stays. */
function setAside(path: string, now: Instant): string {
  const aside = `${path}.corrupt-${new Date(now).toISOString().replaceAll(/[-:]|\.\d+/g, "")}`;
  const earlier = `${basename(path)}.corrupt-`;
  try {
    for (const { name } of Deno.readDirSync(dirname(path))) {
      if (name.startsWith(earlier)) Deno.removeSync(join(dirname(path), name));
    }
    for (const suffix of ["-wal", "-shm", ""]) renameIfThere(path + suffix, aside + suffix);
  } catch (error) {
    throw storageFailure(`set damaged index "${path}" aside`, error);
  }
  return aside;
}

function renameIfThere(from: string, to: string): void {
  try {
    Deno.renameSync(from, to);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
