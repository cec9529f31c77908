import type { DatabaseSync, SQLOutputValue, StatementSync } from "node:sqlite";
import type { Entry, HeaderList, Instant, Key } from "../types.ts";
import type { FileIdentity } from "./file_identity.ts";
import { openIndexDatabase } from "./index_database.ts";
import type { Uses } from "./pending_uses.ts";
import { storageFailure } from "./storage_failure.ts";

/** An entry, and what its file was when it came into the index. */
export interface IndexedFile {
  readonly entry: Entry;
  readonly identity: FileIdentity;
}

const INSERT = `
  INSERT INTO entries (key, status, file, size, modified_at, inode, etag, last_modified, headers,
    upstream, stored_at, requested_at, validated_at, vary, last_used, hits)
  VALUES (:key, :status, :file, :size, :modified_at, :inode, :etag, :last_modified, :headers,
    :upstream, :stored_at, :requested_at, :validated_at, :vary, :stored_at, 0)
  ON CONFLICT (key) DO`;

/** A new copy does not make a key less popular: `hits` stays. */
const REPLACE = `${INSERT} UPDATE SET
    status = excluded.status, file = excluded.file, size = excluded.size,
    modified_at = excluded.modified_at, inode = excluded.inode, etag = excluded.etag,
    last_modified = excluded.last_modified, headers = excluded.headers,
    upstream = excluded.upstream, stored_at = excluded.stored_at,
    requested_at = excluded.requested_at, validated_at = excluded.validated_at,
    vary = excluded.vary, last_used = max(last_used, excluded.last_used)`;

/**
 * What is known of the files, by key: one table in SQLite. All methods are synchronous and touch
 * nothing but the index.
 *
 * All throw {@linkcode StorageError} when the index cannot be read or written.
 */
export class EntryIndex {
  readonly #database: DatabaseSync;
  readonly #find: StatementSync;
  readonly #replace: StatementSync;
  readonly #add: StatementSync;
  readonly #drop: StatementSync;
  readonly #validated: StatementSync;
  readonly #used: StatementSync;

  constructor(path: string, now: Instant) {
    const database = openIndexDatabase(path, now);
    this.#database = database;
    this.#find = database.prepare("SELECT * FROM entries WHERE key = ?");
    this.#replace = database.prepare(REPLACE);
    this.#add = database.prepare(`${INSERT} NOTHING`);
    this.#drop = database.prepare(
      "DELETE FROM entries WHERE key = :key AND file = :file AND stored_at = :stored_at" +
        " AND size = :size AND modified_at = :modified_at AND inode = :inode",
    );
    this.#validated = database.prepare(
      "UPDATE entries SET validated_at = :at" +
        " WHERE key = :key AND file = :file AND stored_at = :stored_at",
    );
    this.#used = database.prepare(
      "UPDATE entries SET hits = hits + :hits, last_used = max(last_used, :last_used)" +
        " WHERE key = :key",
    );
  }

  find(key: Key): IndexedFile | null {
    return guard("read index", () => {
      const row = this.#find.get(key);
      return row === undefined ? null : fromRow(row);
    });
  }

  /** Takes the place of what the key had. */
  replace(indexed: IndexedFile): void {
    guard("write index", () => this.#replace.run(toRow(indexed)));
  }

  /** Does nothing when the key has an entry. */
  add(indexed: IndexedFile): void {
    guard("write index", () => this.#add.run(toRow(indexed)));
  }

  /** Does nothing when the key has another file by now. */
  drop({ entry, identity }: IndexedFile): void {
    guard("write index", () =>
      this.#drop.run({
        key: entry.key,
        file: entry.file,
        stored_at: entry.storedAt,
        size: identity.size,
        modified_at: identity.modifiedAt,
        inode: identity.inode,
      }));
  }

  /** Whether the entry was still there. */
  validated({ key, file, storedAt }: Entry, at: Instant): boolean {
    const { changes } = guard(
      "write index",
      () => this.#validated.run({ key, file, stored_at: storedAt, at }),
    );
    return Number(changes) > 0;
  }

  /** Writes all in one transaction. Keys without an entry are passed over. */
  used(batch: ReadonlyMap<Key, Uses>): void {
    guard("write index", () => {
      this.#database.exec("BEGIN IMMEDIATE");
      try {
        for (const [key, { hits, lastUsed }] of batch) {
          this.#used.run({ key, hits, last_used: lastUsed });
        }
        this.#database.exec("COMMIT");
      } catch (error) {
        rollBack(this.#database);
        throw error;
      }
    });
  }

  close(): void {
    guard("close index", () => this.#database.close());
  }
}

function guard<Result>(action: string, run: () => Result): Result {
  try {
    return run();
  } catch (error) {
    throw storageFailure(action, error);
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

function toRow({ entry, identity }: IndexedFile): Record<string, string | number | null> {
  return {
    key: entry.key,
    status: entry.status,
    file: entry.file,
    size: entry.size,
    modified_at: identity.modifiedAt,
    inode: identity.inode,
    etag: entry.etag,
    last_modified: entry.lastModified,
    headers: JSON.stringify(entry.headers),
    upstream: entry.upstream,
    stored_at: entry.storedAt,
    requested_at: entry.requestedAt,
    validated_at: entry.validatedAt,
    vary: JSON.stringify(entry.vary),
  };
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
