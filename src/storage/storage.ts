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

/** An open stored file. The caller closes it; it stays readable when the entry is replaced. */
export interface OpenEntry extends Disposable {
  readonly entry: Entry;
  readonly file: Deno.FsFile;
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
   * Appends all of the chunk. The chunk may be reused once the promise has resolved. After a
   * failure `written` counts what did arrive.
   *
   * @throws {StorageError} `storage-full` when no space is left, `storage-failed` for the rest.
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
 * Every method but `used` and `pathOf` throws a `StorageError` when the index cannot be read or
 * written.
 */
export interface Storage {
  /** Looks the key up in the index. No file system access, so the answer may outlive the file. */
  find(key: Key): Entry | null;
  /**
   * Takes a file into the index that is in the tree but that the index does not know (an rsync,
   * another program's data directory), with its mtime as Last-Modified. null when there is none.
   * A key that has an entry keeps it.
   *
   * @throws {StorageError} When the file system fails.
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
  /** @throws {StorageError} When no file can be created. */
  create(key: Key): Promise<PartialFile>;
  /**
   * An upstream vouched for the copy: `validatedAt` moves on. Returns the entry as it is now, null
   * when it was replaced or dropped meanwhile.
   */
  validated(entry: Entry, at: Instant): Entry | null;
  /**
   * Counts a use. Cheap and never throws; written to the index in batches, a crash loses the last
   * ones.
   */
  used(key: Key, at: Instant): void;
  /** Writes what is pending and closes the index. Does nothing when called again. */
  close(): void;
}
