import type { Entry, HeaderList, Instant, Key } from "../types.ts";

/** What is known of a body when its last byte has been written. */
export interface EntryFacts {
  readonly status: number;
  readonly etag: string | null;
  readonly lastModified: Instant | null;
  readonly headers: HeaderList;
  readonly upstream: string;
  readonly requestedAt: Instant;
  /** Becomes `validatedAt`. */
  readonly receivedAt: Instant;
  readonly vary: HeaderList;
  /** When the last byte was there. */
  readonly storedAt: Instant;
}

/** What an upstream's answer says of a copy that it vouches for; absent fields stay. */
export interface Validation {
  readonly requestedAt: Instant;
  readonly validatedAt: Instant;
  readonly headers?: HeaderList;
  readonly etag?: string | null;
  readonly lastModified?: Instant | null;
  readonly vary?: HeaderList;
}

/** What a storage holds, and what it takes of the disk, unfinished files included. */
export interface Usage {
  readonly entries: number;
  readonly bytes: number;
}

/**
 * An open stored file. The caller disposes of it, which closes the file; again does no harm. Until
 * then the entry is not evicted, and the file stays readable when the entry is replaced or removed.
 */
export interface OpenEntry extends Disposable {
  readonly entry: Entry;
  /** As in `ReadableFile`. */
  readonly version: string;
  readonly file: Deno.FsFile;
  /**
   * Disposes of it as well, and lets the file stay open for the next reader. Only for those whose
   * last read has ended: one that is under way would move the next reader's position.
   */
  giveBack(): void;
}

/**
 * A file that is being filled. Bytes are appended by one writer; readers open `path` by themselves.
 * Whatever is not committed is aborted: hold it with `await using`.
 */
export interface PartialFile extends AsyncDisposable {
  /** Absolute path while the fill is under way; gone after `commit` and `abort`. */
  readonly path: string;
  /** Bytes written so far: readers may read up to here. */
  readonly written: number;
  /**
   * Creates the file now and not with the first write.
   *
   * @throws {StorageError} When it cannot be created; it is aborted then.
   */
  begin(): Promise<void>;
  /**
   * Appends all of the chunk. The chunk may be reused once the promise has resolved. After a
   * failure `written` counts what did arrive.
   *
   * Waits while room is made for what was not reserved.
   *
   * @throws {StorageError} `storage-full` when no space is left, `object-too-large` when no file may
   * be so long, `storage-failed` for the rest.
   */
  write(chunk: Uint8Array<ArrayBuffer>): Promise<void>;
  /**
   * Publishes the file under its key: times set, flushed, closed, renamed, indexed. When the
   * promise resolves `Storage.find` gives the new entry; readers of the old one go on.
   *
   * @throws {StorageError} Nothing is published, the old entry stays, the file is removed.
   */
  commit(facts: EntryFacts): Promise<Entry>;
  /**
   * Removes the file. Does nothing after `commit`, successful or not and even while it is under
   * way, or a first `abort`. Never throws.
   */
  abort(): Promise<void>;
}

/**
 * Bytes and what is known of them. One implementation today; the contract suite tests any.
 *
 * Every method but `find`, `adopt`, `used` and `pathOf` throws a `StorageError` when the index cannot
 * be read or written.
 */
export interface Storage {
  /**
   * Looks the key up in the index. No file system access, so the answer may outlive the file. What
   * cannot be read is taken for unknown: an upstream may have it. The log says so.
   */
  find(key: Key): Entry | null;
  /**
   * Takes a file into the index that is in the tree but that the index does not know (an rsync,
   * another program's data directory), with its mtime as Last-Modified. null when there is none.
   * A key that has an entry keeps it. What cannot be looked at, or not be indexed, is taken for
   * unknown as well.
   */
  adopt(key: Key): Promise<Entry | null>;
  /**
   * Opens the bytes of an entry. When the file was removed or changed by hand, the entry is
   * dropped from the index and null returned; null also when the entry was replaced meanwhile. Look
   * again with `adopt`, which gives the entry as it is now.
   *
   * @throws {StorageError} When the file is there and cannot be read.
   */
  open(entry: Entry): Promise<OpenEntry | null>;
  /** Absolute path of the entry's bytes, whether they are there or not. */
  pathOf(entry: Entry): string;
  /**
   * Begins to fill a key. Space for the whole file is reserved first, and entries that were not used
   * for longest make room where it is lacking; that may take a while. The key's own entry is not
   * evicted until the file is committed or aborted.
   *
   * @param size In bytes; null: unknown, then space is reserved as the file grows.
   * @throws {StorageError} `storage-full` when no room can be made, `object-too-large` when no file
   * may be so long. That no file can be created shows with the first write, or with `begin`.
   */
  create(key: Key, size: number | null): Promise<PartialFile>;
  /**
   * Stores a small body that is here whole, as `create`, one `write` and `commit` would, for less.
   * The body is not to be changed until the promise has settled.
   *
   * @throws {StorageError} As those do. Nothing is published then, the old entry stays.
   */
  put(key: Key, body: Uint8Array<ArrayBuffer>, facts: EntryFacts): Promise<Entry>;
  /**
   * An upstream vouched for the copy. Returns the entry as it is now, null when it was replaced or
   * dropped meanwhile.
   */
  validated(entry: Entry, update: Validation): Entry | null;
  /**
   * Forgets a key and removes its file, one included that the index does not know. Readers go on.
   *
   * @returns Whether there was one.
   * @throws {StorageError} When the file cannot be removed.
   */
  remove(key: Key): Promise<boolean>;
  /** The keys of all other answers that the index has for a client's key (`variantKey`). */
  variantsOf(key: Key): Key[];
  /** What is held now. */
  usage(): Usage;
  /**
   * Counts a use. Cheap and never throws; written to the index in batches, a crash loses the last
   * ones.
   */
  used(key: Key, at: Instant): void;
  /** Writes what is pending and closes the index. Does nothing when called again. */
  close(): void;
}
