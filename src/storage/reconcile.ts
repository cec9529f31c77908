import { getLogger } from "@logtape/logtape";
import { HIDDEN_FOLDER, OVERFLOW_FOLDER } from "../decide/tree_path.ts";
import { keyOfPath } from "../decide/key_of_path.ts";
import type { Clock, Entry, Instant, Key } from "../types.ts";
import type { DataDirectory } from "./data_directory.ts";
import type { EntryIndex, IndexedFile } from "./entry_index.ts";
import { identify, sameFile } from "./file_identity.ts";
import { isOverflow, notedFile, NOTES_FOLDER, type OverflowNotes } from "./overflow_notes.ts";
import { walkFiles } from "./walk_files.ts";

/** Rows that are read from the index at once; bounds memory and the time of one query. */
const PAGE_ROWS = 100;

/** Files looked at before everybody else gets a turn. */
const STEP_FILES = 32;

/** A turn of the others that took longer shows that they are busy: then they get as much again. */
const BUSY_AFTER_MS = 10;

/** The most that they get as an extra, so that the pass comes to an end on a busy server as well. */
const MAX_EXTRA_PAUSE_MS = 100;

/**
 * Whoever asked for files while a step went on gets so many times its length to themselves: with a
 * pass in every other turn the median of hits is half as much again, with a tenth it is not seen.
 */
const REST_PER_STEP = 10;

/**
 * No rest is longer, so that a server that is busy all day has looked at two million files within
 * hours.
 */
const MAX_REST_MS = 250;

/** How often a long pass says how far it is, in milliseconds. */
const PROGRESS_EVERY_MS = 30_000;

/** What a pass works on. */
export interface ReconcileParts {
  readonly directory: DataDirectory;
  readonly index: EntryIndex;
  readonly notes: OverflowNotes;
  readonly clock: Clock;
  /** Goes up with each request for a file. */
  requests(): number;
  /** Whether files are looked for that nobody knows, so that little can be stored until then. */
  readonly isUrgent: boolean;
  /** Waits, and returns how long that took, in milliseconds; for tests. */
  readonly pause?: (ms: number) => Promise<number>;
  /** As in `Storage`. */
  adopt(key: Key): Promise<Entry | null>;
}

/** What a pass has done. */
export interface Reconciled {
  /** Whether it came to its end rather than being stopped. */
  readonly complete: boolean;
  /** Files looked at, a row and its file each counting as one. */
  readonly files: number;
  /** Entries whose file is gone. */
  readonly dropped: number;
  /** Files that the index did not know. */
  readonly adopted: number;
  /** Entries whose file was changed by hand. */
  readonly changed: number;
  /** Files of our own that belonged to nothing any more. */
  readonly orphans: number;
  /** Files and folders that could not be looked at; the log has the first of the errors. */
  readonly failed: number;
}

const log = getLogger(["cache-proxy", "storage"]);

/**
 * Brings index and tree into agreement, in small steps, while the storage is in use: rows without
 * their files are dropped; files that were changed or that nobody knows are adopted; what is left over
 * in the hidden folder is removed.
 *
 * Whatever is published or evicted meanwhile stays right. Index and tree change in one synchronous
 * step there, and here each change is such a step as well, for the very row or file that was looked
 * at: a row is dropped by all that it holds, a file is added where the key has no row, and an orphan
 * is looked at again in the step that takes it away.
 *
 * @param signal Stops the pass within one file.
 * @throws {StorageError} When the index cannot be read.
 */
export async function reconcile(parts: ReconcileParts, signal: AbortSignal): Promise<Reconciled> {
  return await new Pass(parts, signal).run();
}

class Pass {
  readonly #parts: ReconcileParts;
  readonly #signal: AbortSignal;
  readonly #startedAt: Instant;
  readonly #counts = { files: 0, dropped: 0, adopted: 0, changed: 0, orphans: 0, failed: 0 };
  #saidAt: Instant;
  /** When the step began, by the machine's own clock, and how many requests there had been. */
  #stepAt = performance.now();
  #stepRequests: number;

  constructor(parts: ReconcileParts, signal: AbortSignal) {
    this.#parts = parts;
    this.#signal = signal;
    this.#startedAt = this.#saidAt = parts.clock.now();
    this.#stepRequests = parts.requests();
  }

  async run(): Promise<Reconciled> {
    const steps = [
      () => this.#parts.directory.restore(),
      () => this.#checkRows(),
      () => this.#walk("", HIDDEN_FOLDER, (file) => this.#checkTreeFile(file)),
      () => this.#walk(OVERFLOW_FOLDER, null, (file) => this.#checkOverflowFile(file)),
      () => this.#walk(NOTES_FOLDER, null, (file) => this.#checkNote(file)),
    ];
    for (const step of steps) await step();
    if (!this.#signal.aborted) {
      this.#counts.orphans += await this.#parts.directory.removeOldIndexes();
    }
    return { complete: !this.#signal.aborted, ...this.#counts };
  }

  async #checkRows(): Promise<void> {
    for (let after = ""; !this.#signal.aborted;) {
      const rows = this.#parts.index.page(after, PAGE_ROWS);
      for (const row of rows) await this.#step(() => this.#checkRow(row));
      const last = rows.at(-1);
      if (last === undefined) return;
      after = last.entry.key;
    }
  }

  async #walk(
    folder: string,
    skip: string | null,
    check: (file: string) => Promise<void>,
  ): Promise<void> {
    const { root } = this.#parts.directory;
    const onError = (error: unknown): void => this.#fail(folder, error);
    for await (const file of walkFiles(root, folder, skip, onError)) {
      await this.#step(() => check(file));
      if (this.#signal.aborted) return;
    }
  }

  async #checkRow(row: IndexedFile): Promise<void> {
    const { directory, index, notes, adopt } = this.#parts;
    const { key, file } = row.entry;
    const info = await directory.inspect(file);
    const found = info === null ? null : identify(info);
    if (found !== null && sameFile(found, row.identity)) {
      if (isOverflow(file) && !await notes.has(row.entry, row.identity)) await this.#addNote(row);
      return;
    }
    if (!index.drop(row)) return;
    if (await adopt(key) === null) this.#counts.dropped++;
    else this.#counts.changed++;
  }

  /** For a file whose note was lost, or that is older than notes are. */
  async #addNote(row: IndexedFile): Promise<void> {
    const { index, notes } = this.#parts;
    await using note = await notes.prepare(row.entry, row.identity);
    const now = index.find(row.entry.key);
    // A copy that was published meanwhile has brought a note of its own.
    const isSame = now?.entry.file === row.entry.file && sameFile(now.identity, row.identity);
    if (isSame && now.entry.storedAt === row.entry.storedAt) note.put();
  }

  async #checkTreeFile(file: string): Promise<void> {
    const { index, adopt } = this.#parts;
    const key = keyOfPath(file);
    if (key === null || index.find(key) !== null) return;
    if (await adopt(key) !== null) this.#counts.adopted++;
  }

  async #checkOverflowFile(file: string): Promise<void> {
    const { directory, index, notes, clock, adopt } = this.#parts;
    if (index.names(file)) return;
    const info = await directory.inspect(file);
    if (info === null) return;
    const entry = await notes.recall(file, info, clock.now());
    if (entry !== null && index.find(entry.key) === null && await adopt(entry.key) !== null) {
      this.#counts.adopted++;
    }
    await this.#removeOrphan(file, () => !index.names(file));
  }

  async #checkNote(note: string): Promise<void> {
    const { directory, index } = this.#parts;
    const file = notedFile(note);
    const isNeeded = (): boolean => file !== null && (directory.has(file) || index.names(file));
    if (!isNeeded()) await this.#removeOrphan(note, () => !isNeeded());
  }

  async #removeOrphan(file: string, isOrphan: () => boolean): Promise<void> {
    const removed = await this.#parts.directory.takeAway(file, this.#startedAt, isOrphan);
    if (removed) this.#counts.orphans++;
  }

  async #step(check: () => Promise<void>): Promise<void> {
    if (this.#signal.aborted) return;
    try {
      await check();
    } catch (error) {
      this.#fail("file", error);
    }
    if (++this.#counts.files % STEP_FILES !== 0) return;
    this.#sayProgress();
    await this.#letOthersWork();
  }

  async #letOthersWork(): Promise<void> {
    const { requests, isUrgent, pause = pauseOf } = this.#parts;
    const took = performance.now() - this.#stepAt;
    const late = await pause(0);
    const isAsked = requests() !== this.#stepRequests;
    if (isAsked && !isUrgent) {
      await pause(Math.min(took * REST_PER_STEP, MAX_REST_MS));
    } else if (late > BUSY_AFTER_MS) {
      await pause(Math.min(late, MAX_EXTRA_PAUSE_MS));
    }
    this.#stepRequests = requests();
    this.#stepAt = performance.now();
  }

  #fail(what: string, error: unknown): void {
    if (this.#counts.failed++ > 0) return;
    log.warn("Cannot bring {what} into agreement with the index: {error}", { what, error });
  }

  #sayProgress(): void {
    const now = this.#parts.clock.now();
    if (Math.abs(now - this.#saidAt) < PROGRESS_EVERY_MS) return;
    this.#saidAt = now;
    log.info("Bringing index and tree into agreement: {files} files so far", this.#counts);
  }
}

/** By the machine's own clock: it lets others work, whatever time it is. Returns how long it took. */
async function pauseOf(ms: number): Promise<number> {
  const begin = performance.now();
  await new Promise((resolve) => setTimeout(resolve, ms));
  return performance.now() - begin;
}
