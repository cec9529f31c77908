import { getLogger } from "@logtape/logtape";
import { join } from "@std/path";
import { Repeats } from "../decide/repeats.ts";
import { variantKeyPrefix } from "../decide/vary.ts";
import { StorageError } from "../errors.ts";
import type { Entry, Instant, Key, Limits } from "../types.ts";
import { adoptedEntry } from "./adopted_entry.ts";
import { DataDirectory } from "./data_directory.ts";
import { EntryIndex, type IndexedFile, type ListedEntry, type UsePosition } from "./entry_index.ts";
import { Evictor } from "./evictor.ts";
import { identify, sameFile, versionOf } from "./file_identity.ts";
import { IdleFiles } from "./idle_files.ts";
import { LocalPartialFile } from "./local_partial_file.ts";
import { LOCAL_SYSTEM, type LocalSystem } from "./local_system.ts";
import { isOverflow, OverflowNotes } from "./overflow_notes.ts";
import { PendingUses } from "./pending_uses.ts";
import { Pins } from "./pins.ts";
import { placesOf } from "./places_of.ts";
import { publish, type PublishingParts } from "./publish.ts";
import { reconcile, type Reconciled } from "./reconcile.ts";
import { Reconciler } from "./reconciler.ts";
import { Reservation } from "./reservation.ts";
import { SmallFiles } from "./small_files.ts";
import { diskBytes, Space } from "./space.ts";
import type { EntryFacts, OpenEntry, PartialFile, Storage, Usage, Validation } from "./storage.ts";
import { isGone, storageFailure } from "./storage_failure.ts";
import { takeEntry, type TakingParts } from "./take_entry.ts";
import { Trash } from "./trash.ts";
import { Unflushed } from "./unflushed.ts";

/** How a {@linkcode LocalStorage} is opened. */
export interface LocalStorageOptions {
  /** The data directory; created if missing. */
  readonly path: string;
  /** Name of unfinished files; its last `*`, or else its end, becomes something unique. */
  readonly temporaryFilePattern: string;
  readonly limits: Limits;
  /** For tests. */
  readonly system?: Partial<LocalSystem>;
}

/** Rows that are read from the index at once. */
const PAGE_ROWS = 100;

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
  readonly #pins = new Pins();
  readonly #idleFiles: IdleFiles;
  readonly #space: Space;
  readonly #trash: Trash;
  readonly #takingParts: TakingParts;
  readonly #publishingParts: PublishingParts;
  readonly #evictor: Evictor;
  readonly #notes: OverflowNotes;
  readonly #reconciler: Reconciler;
  readonly #unflushed: Unflushed;
  readonly #small: SmallFiles;
  readonly #repeats = new Repeats();
  /** Since the start: the background pass makes room for them. */
  #requests = 0;
  #closed = false;

  private constructor(
    directory: DataDirectory,
    index: EntryIndex,
    pattern: string,
    limits: Limits,
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
        this.#warn("uses", "Uses of {count} keys are lost: {error}", { count: batch.size, error });
      }
    }, system.clock);
    this.#space = new Space(
      limits,
      () => index.totals().bytes,
      () => system.diskSpace(directory.root),
      system.clock,
    );
    this.#idleFiles = new IdleFiles(system.clock);
    this.onChanged = () => {};
    this.#trash = new Trash(this.#space, system.remove);
    this.#notes = new OverflowNotes(directory);
    this.#reconciler = new Reconciler((signal) => this.reconcile(signal), system.clock);
    index.onBegun = () => {
      this.#space.forget(true);
      this.#reconciler.wake();
    };
    this.#takingParts = { directory, index, notes: this.#notes, system, trash: this.#trash };
    this.#publishingParts = { ...this.#takingParts, space: this.#space };
    this.#evictor = new Evictor({
      ...this.#takingParts,
      uses: this.#uses,
      pins: this.#pins,
      space: this.#space,
    });
    this.#unflushed = Unflushed.open(directory, system);
    this.#small = new SmallFiles({
      ...this.#publishingParts,
      unflushed: this.#unflushed,
      pattern,
      onPublished: () => this.#evictor.wake(),
    });
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
    // Who replaces the way in which files are written wants all to go that way.
    const own = options.system?.openFile === undefined ? {} : { writeNew: null };
    const system = { ...LOCAL_SYSTEM, ...own, ...options.system };
    const directory = await DataDirectory.open(options.path);
    try {
      const index = new EntryIndex(directory.indexFile, system.clock);
      const storage = new LocalStorage(directory, index, pattern, options.limits, system);
      if (!index.isSearched()) {
        if (await directory.isEmpty()) index.noteSearched();
        // Until the files that the index does not know are found, nobody knows what fits.
        else storage.#space.forget(false);
      }
      await storage.#afterFall();
      storage.#evictor.wake();
      return storage;
    } catch (error) {
      directory.close();
      throw error;
    }
  }

  find(key: Key): Entry | null {
    this.#requests++;
    try {
      return this.#index.find(key)?.entry ?? null;
    } catch (error) {
      this.#warn("find", "Cannot look up {key}, taking it for unknown: {error}", { key, error });
      return null;
    }
  }

  async adopt(key: Key): Promise<Entry | null> {
    try {
      return await this.#adopt(key);
    } catch (error) {
      this.#warn("adopt", "Cannot adopt {key}, taking it for unknown: {error}", { key, error });
      return null;
    }
  }

  async #adopt(key: Key): Promise<Entry | null> {
    const known = this.#index.find(key);
    if (known !== null) return known.entry;
    for (const file of placesOf(key, this.#directory.hasOverflow)) {
      const info = await this.#directory.inspect(file);
      const identity = info === null ? null : identify(info);
      if (info === null || identity === null) continue;
      if (this.#unflushed.isDistrusted(info)) {
        log.warn(
          "Removed {file}: it came before the machine went down, bytes of it may be missing",
          {
            file,
          },
        );
        await this.#directory.remove(file);
        continue;
      }
      const now = this.#system.clock.now();
      const entry = isOverflow(file)
        ? await this.#notes.recall(file, info, now)
        : adoptedEntry(key, file, info, now);
      if (entry?.key !== key) continue;
      // Somebody may have published the key meanwhile, who knows more than we do.
      const isNew = this.#index.add({ entry, identity }, now);
      if (isNew) this.#space.find(diskBytes(entry.size));
      this.#evictor.wake();
      return this.#index.find(key)?.entry ?? null;
    }
    return null;
  }

  async open(entry: Entry): Promise<OpenEntry | null> {
    const indexed = this.#index.find(entry.key);
    if (indexed === null || !isSameGeneration(indexed.entry, entry)) return null;
    const unpin = this.#pins.pin(entry.key, diskBytes(indexed.entry.size));
    let opened: OpenEntry | null = null;
    try {
      const file = await this.#openFile(indexed);
      if (file !== null) {
        const version = versionOf(this.pathOf(indexed.entry), indexed.identity);
        const keepOpen = (): void => this.#keepOpen(indexed, file);
        opened = openEntry(indexed.entry, version, file, { unpin, keepOpen });
      }
    } finally {
      if (opened === null) unpin();
    }
    if (opened !== null) return opened;
    log.info("Dropped {key} from the index: its file was removed or changed", { key: entry.key });
    this.#index.drop(indexed);
    return null;
  }

  /**
   * Whether an entry is in force and its file is still what it was. Looks at the file at once: for
   * those who keep its bytes and look now and then.
   */
  isIntact(entry: Entry): boolean {
    try {
      const indexed = this.#index.find(entry.key);
      if (indexed === null || !isSameGeneration(indexed.entry, entry)) return false;
      const found = identify(Deno.statSync(this.pathOf(entry)));
      return found !== null && sameFile(found, indexed.identity);
    } catch {
      return false;
    }
  }

  /** Where what lists say of other files is kept. */
  get digestsFile(): string {
    return this.#directory.digestsFile;
  }

  /** @param listener Told of each entry that changes or goes; null: any may have. Must not throw. */
  set onChanged(listener: (key: Key | null) => void) {
    this.#index.onChanged = (key) => {
      // First: what is removed or replaced must give its bytes back.
      this.#idleFiles.forget(key);
      listener(key);
    };
  }

  pathOf(entry: Entry): string {
    return this.#directory.resolve(entry.file);
  }

  async create(key: Key, size: number | null): Promise<PartialFile> {
    const unpin = this.#pins.pin(key, diskBytes(this.find(key)?.size ?? 0));
    let reservation: Reservation | null = null;
    try {
      await this.#directory.restore();
      reservation = await Reservation.take(
        this.#space,
        (bytes) => this.#evictor.makeRoom(bytes),
        size,
      );
      return this.#partialFile(key, reservation, unpin);
    } catch (error) {
      reservation?.end();
      unpin();
      throw error;
    }
  }

  async put(key: Key, body: Uint8Array<ArrayBuffer>, facts: EntryFacts): Promise<Entry> {
    const entry = await this.#small.put(key, body, facts);
    if (entry !== null) return entry;
    await using file = await this.create(key, body.byteLength);
    await file.write(body);
    return await file.commit(facts);
  }

  validated(entry: Entry, update: Validation): Entry | null {
    return this.#index.validated(entry, update);
  }

  async remove(key: Key): Promise<boolean> {
    const found = await this.#adopt(key);
    if (found === null) return false;
    const isThere = await this.#directory.inspect(found.file) !== null;
    const indexed = this.#index.find(key);
    if (indexed === null) return false;
    if (isThere) await takeEntry(indexed, this.#takingParts, { force: true });
    else this.#index.drop(indexed);
    this.#pins.resize(key, diskBytes(this.find(key)?.size ?? 0));
    return true;
  }

  variantsOf(key: Key): Key[] {
    const prefix = variantKeyPrefix(key);
    const variants: Key[] = [];
    for (let after = prefix;;) {
      const page = this.#index.page(after, PAGE_ROWS).map(({ entry }) => entry.key);
      const own = page.filter((it) => it.startsWith(prefix));
      variants.push(...own);
      const last = own.at(-1);
      if (last === undefined || own.length < PAGE_ROWS) return variants;
      after = last;
    }
  }

  usage(): Usage {
    return { entries: this.#index.totals().entries, bytes: this.#space.usage };
  }

  /** What has gone to make room, or for being out of use, since the start. */
  get evicted(): { readonly count: number; readonly bytes: number } {
    return this.#evictor.evicted;
  }

  /**
   * When a copy was used last, the last seconds aside; null when there is none.
   *
   * @throws {StorageError} When the index cannot be read.
   */
  lastUsed(key: Key): Instant | null {
    return this.#index.lastUsed(key);
  }

  /**
   * So many entries behind a key, in the order of the keys, variants included, with all their uses.
   *
   * @throws {StorageError} When the index cannot be read.
   */
  list(after: Key, count: number): ListedEntry[] {
    this.#uses.flush();
    return this.#index.list(after, count);
  }

  /**
   * Whether another file has taken the place of an entry's, by hand: it is adopted on first use. One
   * that was written to in its place is the same file.
   */
  isReplaced(entry: Entry): boolean {
    try {
      const indexed = this.#index.find(entry.key);
      const found = identify(Deno.statSync(this.pathOf(entry)));
      return indexed !== null && found !== null && found.inode !== indexed.identity.inode;
    } catch {
      return false;
    }
  }

  /**
   * Tries whether the index can be read and a file written.
   *
   * @throws {StorageError} When not.
   */
  async check(): Promise<void> {
    this.#index.totals();
    const path = join(this.#directory.partialFolder, `check.${crypto.randomUUID()}`);
    try {
      using file = await this.#system.openFile(path, { write: true, createNew: true });
      await file.write(new Uint8Array(1));
    } catch (error) {
      throw storageFailure(`write "${path}"`, error);
    } finally {
      await Deno.remove(path).catch(() => {});
    }
  }

  /** Takes effect at once: what is over the new limits goes in the background. */
  setLimits(limits: Limits): void {
    this.#space.limits = limits;
    this.#evictor.limitsChanged();
  }

  /**
   * Brings index and tree into agreement once, in small steps, while the storage is in use.
   *
   * @param signal Stops it within one file.
   * @throws {StorageError} When the index cannot be read.
   */
  async reconcile(signal: AbortSignal): Promise<Reconciled> {
    try {
      const reconciled = await reconcile({
        directory: this.#directory,
        index: this.#index,
        notes: this.#notes,
        clock: this.#system.clock,
        requests: () => this.#requests,
        isUrgent: !this.#index.isSearched(),
        adopt: (key) => this.#adopt(key),
      }, signal);
      if (reconciled.complete && !this.#index.isSearched()) this.#index.noteSearched();
      if (reconciled.complete) await this.#unflushed.believeAll();
      return reconciled;
    } finally {
      // Even if it failed: better a file too many than nothing stored for a day.
      this.#space.foundAll();
    }
  }

  /**
   * Does so at once, once a day, and whenever a new index was begun. Returns soon after the signal;
   * wait for that before `close`. Never rejects.
   */
  keepReconciled(signal: AbortSignal): Promise<void> {
    return this.#reconciler.run(signal);
  }

  used(key: Key, at: Instant): void {
    this.#requests++;
    if (!this.#closed) this.#uses.add(key, at);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#evictor.close();
    this.#idleFiles.close();
    this.#unflushed.close();
    this.#uses.flush();
    try {
      this.#index.close();
    } finally {
      this.#directory.close();
    }
  }

  /** Once a minute for each kind of trouble. */
  #warn(kind: string, message: string, properties: Record<string, unknown>): void {
    if (this.#repeats.tell(kind, this.#system.clock.now()) !== null) log.warn(message, properties);
  }

  /**
   * null when there is no such file. Opened first and looked at then: what is looked at is what is
   * read, whatever takes its place at the path.
   */
  async #openFile({ entry, identity }: IndexedFile): Promise<Deno.FsFile | null> {
    const path = this.pathOf(entry);
    const idle = this.#idleFiles.take(entry.key, path, identity);
    if (idle !== null) return idle;
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

  /** What has changed meanwhile is closed. */
  #keepOpen({ entry, identity }: IndexedFile, file: Deno.FsFile): void {
    let now: IndexedFile | null = null;
    try {
      now = this.#index.find(entry.key);
    } catch {
      // Whoever needs it is told.
    }
    if (now === null || !sameFile(now.identity, identity)) return file.close();
    this.#idleFiles.keep(entry.key, this.pathOf(entry), identity, file);
  }

  /** Deals with what the last run has published and not flushed. */
  async #afterFall(): Promise<void> {
    const { distrusted, left } = this.#unflushed;
    if (left !== null) {
      const paths = (): Iterable<string> =>
        pathsOf(storedSince(this.#index, left), this.#directory);
      void this.#unflushed.flushLeft(paths());
    }
    if (distrusted === null) return;
    let dropped = 0;
    for (const indexed of storedSince(this.#index, distrusted.from)) {
      this.#index.drop(indexed);
      await this.#directory.remove(indexed.entry.file);
      dropped++;
    }
    log.warn(
      "Dropped {dropped} files that were stored before the machine went down: bytes of them " +
        "may be missing",
      { dropped },
    );
  }

  #partialFile(key: Key, reservation: Reservation, onEnd: () => void): PartialFile {
    let published: ((path: string | null) => void) | null = null;
    return new LocalPartialFile({
      flushesLater: async () => {
        published = await this.#unflushed.expect();
        return published !== null;
      },
      folder: this.#directory.partialFolder,
      pattern: this.#pattern,
      openFile: this.#system.openFile,
      reservation,
      publish: async (path, identity, facts) => {
        const finished = { key, path, identity, facts, reservation };
        const entry = await publish(finished, this.#publishingParts);
        published?.(this.pathOf(entry));
        published = null;
        this.#pins.resize(key, diskBytes(entry.size));
        this.#evictor.wake();
        return entry;
      },
      remove: (path, bytes) => this.#trash.remove(path, bytes),
      onEnd: () => {
        published?.(null);
        onEnd();
      },
    });
  }
}

/** Entries that were stored from an instant on: used last then, or later. */
function* storedSince(index: EntryIndex, since: Instant): Generator<IndexedFile> {
  let after: UsePosition = { lastUsed: since, storedAt: Number.MIN_SAFE_INTEGER, row: 0 };
  for (;;) {
    const page = index.leastRecentlyUsed(PAGE_ROWS, after);
    for (const file of page) if (file.entry.storedAt >= since) yield file;
    const last = page.at(-1);
    if (last === undefined) return;
    after = last.position;
  }
}

function* pathsOf(files: Iterable<IndexedFile>, directory: DataDirectory): Generator<string> {
  for (const { entry } of files) yield directory.resolve(entry.file);
}

/** Disposing of it again does no harm. */
function openEntry(
  entry: Entry,
  version: string,
  file: Deno.FsFile,
  { unpin, keepOpen }: { readonly unpin: () => void; readonly keepOpen: () => void },
): OpenEntry {
  let isOpen = true;
  const end = (letGo: () => void): void => {
    if (!isOpen) return;
    isOpen = false;
    letGo();
    unpin();
  };
  return {
    entry,
    version,
    file,
    giveBack: () => end(keepOpen),
    [Symbol.dispose]: () => end(() => file.close()),
  };
}

function isSameGeneration(a: Entry, b: Entry): boolean {
  return a.file === b.file && a.storedAt === b.storedAt;
}
