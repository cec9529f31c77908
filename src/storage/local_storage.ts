import { getLogger } from "@logtape/logtape";
import { basename, join } from "@std/path";
import { overflowPath, treePath } from "../decide/tree_path.ts";
import { StorageError } from "../errors.ts";
import type { Entry, Instant, Key } from "../types.ts";
import { adoptedEntry } from "./adopted_entry.ts";
import { DataDirectory } from "./data_directory.ts";
import { EntryIndex, type IndexedFile } from "./entry_index.ts";
import { type FileIdentity, identify, sameFile } from "./file_identity.ts";
import { LocalPartialFile } from "./local_partial_file.ts";
import { LOCAL_SYSTEM, type LocalSystem } from "./local_system.ts";
import { PendingUses } from "./pending_uses.ts";
import type { EntryFacts, OpenEntry, PartialFile, Storage } from "./storage.ts";
import { isGone, isUnfit, storageFailure } from "./storage_failure.ts";

/** How a {@linkcode LocalStorage} is opened. */
export interface LocalStorageOptions {
  /** The data directory; created if missing. */
  readonly path: string;
  /** Name of unfinished files; its last `*`, or else its end, becomes something unique. */
  readonly temporaryFilePattern: string;
  /** For tests. */
  readonly system?: Partial<LocalSystem>;
}

const log = getLogger(["cache-proxy", "storage"]);

/**
 * Files in a plain tree, what is known of them in an index beside it.
 *
 * File and index change in this order, so that a crash between any two steps leaves the old or the
 * new entry: the finished file is flushed; its row is written; it is renamed. A row without its file
 * is seen by the identity that it holds, dropped on first use, and what stands there is adopted.
 */
export class LocalStorage implements Storage {
  readonly #directory: DataDirectory;
  readonly #index: EntryIndex;
  readonly #uses: PendingUses;
  readonly #pattern: string;
  readonly #system: LocalSystem;
  #closed = false;

  private constructor(
    directory: DataDirectory,
    index: EntryIndex,
    pattern: string,
    system: LocalSystem,
  ) {
    this.#directory = directory;
    this.#index = index;
    this.#pattern = pattern;
    this.#system = system;
    this.#uses = new PendingUses((batch) => {
      try {
        index.used(batch);
      } catch (error) {
        // Counts are a hint for eviction. No request fails for them.
        log.warn("Uses of {count} keys are lost: {error}", { count: batch.size, error });
      }
    }, system.clock);
  }

  /**
   * Opens the data directory for this process alone. Whatever a crash left unfinished is removed; a
   * damaged index is set aside.
   *
   * @throws {StorageError} `storage-locked` when another process uses the directory,
   * `storage-failed` when it cannot be created, read or written.
   */
  static async open(options: LocalStorageOptions): Promise<LocalStorage> {
    const pattern = options.temporaryFilePattern;
    if (/[/\\\0]/.test(pattern)) {
      throw new StorageError(
        "storage-failed",
        `Cannot name unfinished files "${pattern}": a name holds no path separator and no NUL`,
      );
    }
    const system = { ...LOCAL_SYSTEM, ...options.system };
    const directory = await DataDirectory.open(options.path);
    try {
      const index = new EntryIndex(directory.indexFile, system.clock.now());
      return new LocalStorage(directory, index, pattern, system);
    } catch (error) {
      directory.close();
      throw error;
    }
  }

  find(key: Key): Entry | null {
    return this.#index.find(key)?.entry ?? null;
  }

  async adopt(key: Key): Promise<Entry | null> {
    const known = this.find(key);
    if (known !== null) return known;
    for (const file of placesOf(key)) {
      const info = await this.#directory.inspect(file);
      const identity = info === null ? null : identify(info);
      if (info === null || identity === null) continue;
      const entry = adoptedEntry(key, file, info, this.#system.clock.now());
      // Somebody may have published the key meanwhile, who knows more than we do.
      this.#index.add({ entry, identity });
      return this.find(key);
    }
    return null;
  }

  async open(entry: Entry): Promise<OpenEntry | null> {
    const indexed = this.#index.find(entry.key);
    if (indexed === null || !isSameGeneration(indexed.entry, entry)) return null;
    const file = await this.#openFile(indexed);
    if (file !== null) {
      return { entry: indexed.entry, file, [Symbol.dispose]: () => file.close() };
    }
    log.info("Dropped {key} from the index: its file was removed or changed", { key: entry.key });
    this.#index.drop(indexed);
    return null;
  }

  pathOf(entry: Entry): string {
    return this.#directory.resolve(entry.file);
  }

  create(key: Key): Promise<PartialFile> {
    return LocalPartialFile.create(
      this.#directory.partialFolder,
      this.#pattern,
      this.#system.openFile,
      (path, identity, facts) => this.#publish(key, path, identity, facts),
    );
  }

  validated(entry: Entry, at: Instant): Entry | null {
    return this.#index.validated(entry, at) ? this.find(entry.key) : null;
  }

  used(key: Key, at: Instant): void {
    if (!this.#closed) this.#uses.add(key, at);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#uses.flush();
    try {
      this.#index.close();
    } finally {
      this.#directory.close();
    }
  }

  /**
   * null when there is no such file. Opened first and looked at then: what is looked at is what is
   * read, whatever takes its place at the path.
   */
  async #openFile({ entry, identity }: IndexedFile): Promise<Deno.FsFile | null> {
    const path = this.pathOf(entry);
    let file: Deno.FsFile | null = null;
    try {
      file = await this.#system.openFile(path, { read: true });
      const found = identify(file.statSync());
      if (found !== null && sameFile(found, identity)) return file;
      file.close();
      return null;
    } catch (error) {
      file?.close();
      if (isGone(error)) return null;
      throw storageFailure(`open "${path}"`, error);
    }
  }

  async #publish(
    key: Key,
    path: string,
    identity: FileIdentity,
    facts: EntryFacts,
  ): Promise<Entry> {
    for (const file of placesOf(key)) {
      const folder = await this.#directory.makeFolderOf(file);
      if (folder === null) continue;
      const target = join(folder, basename(file));
      await using _held = await this.#directory.hold(target);
      const entry = newEntry(key, file, identity.size, facts);
      const old = this.#index.find(key);
      if (!this.#replace(old, { entry, identity }, path, target)) continue;
      if (old !== null && old.entry.file !== file) await this.#directory.remove(old.entry.file);
      return entry;
    }
    throw new StorageError("storage-failed", `Cannot place "${key}": no path can hold it`);
  }

  /**
   * Index and file change without a pause between them, so that nobody in this process sees one
   * without the other. The row comes first: when it cannot be written, nothing has happened yet.
   *
   * @returns Whether the path can hold the file.
   */
  #replace(old: IndexedFile | null, fresh: IndexedFile, path: string, target: string): boolean {
    this.#index.replace(fresh);
    try {
      this.#system.rename(path, target);
      return true;
    } catch (error) {
      if (old === null) this.#index.drop(fresh);
      else this.#index.replace(old);
      if (isUnfit(error)) return false;
      throw storageFailure(`rename "${path}" to "${target}"`, error);
    }
  }
}

/** Where the file of a key may be, best first. */
function placesOf(key: Key): string[] {
  const place = treePath(key);
  return place.kind === "tree" ? [place.path, overflowPath(key)] : [place.path];
}

function isSameGeneration(a: Entry, b: Entry): boolean {
  return a.file === b.file && a.storedAt === b.storedAt;
}

function newEntry(key: Key, file: string, size: number, facts: EntryFacts): Entry {
  const { lastModified, storedAt } = facts;
  return {
    key,
    status: facts.status,
    file,
    size,
    etag: facts.etag,
    lastModified: lastModified === null ? null : Math.floor(lastModified / 1000) * 1000,
    headers: facts.headers,
    upstream: facts.upstream,
    storedAt,
    requestedAt: facts.requestedAt,
    validatedAt: facts.receivedAt,
    vary: facts.vary,
  };
}
