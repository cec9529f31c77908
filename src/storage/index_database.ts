import { getLogger } from "@logtape/logtape";
import { basename, dirname, join } from "@std/path";
import { DatabaseSync } from "node:sqlite";
import type { Instant } from "../types.ts";
import { isDamagedDatabase, storageFailure } from "./storage_failure.ts";

/** Kept in the file as `user_version`. A file of another version is not read. */
const SCHEMA_VERSION = 2;

/** How long a statement waits while somebody else, an administrator with a shell, writes. */
const BUSY_TIMEOUT_MS = 1000;

/** Instants are milliseconds since the epoch; `headers` and `vary` are JSON; the rest is as in `Entry`. */
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
  ) STRICT`;

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
    const aside = setAside(path, now);
    log.warn("Index is not usable, a new one is begun, the old one is {aside}: {error}", {
      aside,
      error,
    });
  }
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
    check(database);
    database.exec("PRAGMA journal_mode = WAL");
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
  if (version === SCHEMA_VERSION) {
    // A third of a second for a million entries, and damage shows here rather than in a request.
    const verdict = pragma(database, "quick_check(1)");
    if (verdict !== "ok") throw new UnknownIndexError(`Index is damaged: ${verdict}`);
    return;
  }
  const tables = database.prepare("SELECT name FROM sqlite_schema").all();
  if (version !== 0 || tables.length > 0) {
    throw new UnknownIndexError(`Index has version ${version} instead of ${SCHEMA_VERSION}`);
  }
  database.exec(`BEGIN; ${SCHEMA}; PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
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
