import { getLogger } from "@logtape/logtape";
import { join } from "@std/path";
import { z } from "zod";
import { HIDDEN_FOLDER } from "../decide/tree_path.ts";
import type { Instant } from "../types.ts";
import type { DataDirectory } from "./data_directory.ts";
import type { LocalSystem } from "./local_system.ts";
import { isGone } from "./storage_failure.ts";

/**
 * How long a published file may be in memory alone, before its flush begins. Linux writes by itself
 * what is 30 s old, looking every 5 s; after that a flush finds nothing left to do. An earlier one
 * would have the file system commit its journal for each file, 5 ms and more, and whoever creates a
 * file waits for that meanwhile.
 */
const FLUSH_AFTER_MS = 45_000;

/**
 * Files that may wait for it, 100 bytes of memory each: 5,000 a second do. Beyond that each is flushed
 * before it is published.
 */
const MAX_WAITING = 250_000;

/** So many are flushed at the end; of more the mark tells the next start. */
const MAX_AT_CLOSE = 100;

/** The system's uptime counts whole seconds, and clocks are set. */
const BOOT_TOLERANCE_MS = 5_000;

/** File systems take their times from a clock of their own, which may lag by a tick. */
const CLOCK_SLACK_MS = 1_000;

const MARK = z.object({
  /** When the machine had been started on which the mark was made. */
  bootedAt: z.number().nullable(),
  /** What was published from then on may lack bytes when the machine has gone down since. */
  since: z.number().nullable(),
  /** What an earlier fall of the machine has left, until the tree has been looked through. */
  distrusted: z.object({ from: z.number(), to: z.number() }).nullable(),
});

/** A time in which files came to be whose bytes may be missing. */
export type Distrusted = NonNullable<z.infer<typeof MARK>["distrusted"]>;

const log = getLogger(["cache-proxy", "storage"]);

/**
 * Files that are published and not yet flushed to the disk. To flush each before its publication
 * costs far more than to write it; so that is done later, in groups. Before the first one a mark is
 * put on the disk, which goes when all have been flushed: a machine that goes down in between is
 * known by it, and what was published meanwhile is not believed at the next start. When the program
 * alone goes down nothing is lost, since the system has the bytes.
 */
export class Unflushed {
  /** What must not be believed; null: all of it may be. */
  distrusted: Distrusted | null;
  /** From when on files of an earlier run are to be flushed; null: there are none. */
  readonly left: Instant | null;
  readonly #path: string;
  readonly #partialFolder: string;
  readonly #system: LocalSystem;
  readonly #bootedAt: Instant | null;
  #since: Instant | null;
  #waiting: string[] = [];
  #beginning: Promise<boolean> | null = null;
  #marking: Promise<boolean> = Promise.resolve(true);
  /** Files that rely on the mark and are not published yet. */
  #expected = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isFlushing = false;
  #isClosed = false;

  private constructor(
    directory: DataDirectory,
    system: LocalSystem,
    mark: z.infer<typeof MARK> | null,
  ) {
    this.#path = join(directory.root, HIDDEN_FOLDER, "unflushed.json");
    this.#partialFolder = directory.partialFolder;
    this.#system = system;
    this.#bootedAt = system.bootedAt();
    const wentDown = mark !== null && !isSameBoot(mark.bootedAt, this.#bootedAt);
    const since = mark?.since ?? null;
    this.distrusted = mark?.distrusted ?? null;
    if (wentDown && since !== null) this.#distrust(since - CLOCK_SLACK_MS);
    this.#since = wentDown ? null : since;
    this.left = this.#since;
  }

  /** Reads what the last run has left; that is not believed if it cannot be read. */
  static open(directory: DataDirectory, system: LocalSystem): Unflushed {
    const path = join(directory.root, HIDDEN_FOLDER, "unflushed.json");
    let mark: z.infer<typeof MARK> | null = null;
    try {
      mark = MARK.parse(JSON.parse(Deno.readTextFileSync(path)));
    } catch (error) {
      if (!isGone(error)) {
        log.warn("Cannot read {path}, taking it for none: {error}", { path, error });
      }
    }
    return new Unflushed(directory, system, mark);
  }

  /** Whether a file may be published unflushed in this turn. */
  get isInForce(): boolean {
    const now = this.#system.clock.now();
    // A clock that was set back: then the mark does not cover what comes.
    return this.#since !== null && now >= this.#since && !this.isFull;
  }

  get isFull(): boolean {
    return this.#waiting.length + this.#expected >= MAX_WAITING;
  }

  /** Puts the mark on the disk; false when it cannot be, or when there is too much to flush. */
  async begin(): Promise<boolean> {
    if (this.isInForce) return true;
    if (this.isFull || this.#isClosed || this.#bootedAt === null) return false;
    return await (this.#beginning ??= this.#begin().finally(() => this.#beginning = null));
  }

  /** As `begin`, and the mark stays until the result is called, with the path of the file. */
  async expect(): Promise<((path: string | null) => void) | null> {
    this.#expected++;
    const isBegun = await this.begin();
    if (!isBegun) this.#expected--;
    return !isBegun ? null : (path) => {
      this.#expected--;
      if (path !== null) this.add(path);
    };
  }

  /** A file was published while the mark was in force. */
  add(path: string): void {
    this.#waiting.push(path);
    this.#flushLater();
  }

  /** Whether a file that nobody has told us about may lack bytes. */
  isDistrusted(info: Deno.FileInfo): boolean {
    if (this.distrusted === null) return false;
    const changedAt = (info.ctime ?? info.mtime)?.getTime() ?? 0;
    return changedAt >= this.distrusted.from && changedAt <= this.distrusted.to;
  }

  /** All files of the tree have been looked at: what is not believed has gone. */
  async believeAll(): Promise<void> {
    if (this.distrusted === null) return;
    this.distrusted = null;
    await this.#beginning;
    if (this.#since !== null) await this.#writeMark(this.#since);
    else this.#removeMark();
  }

  /** Flushes what an earlier run has left, in the background; the mark stays until that is done. */
  async flushLeft(paths: Iterable<string>): Promise<void> {
    this.#expected++;
    try {
      for (const path of paths) {
        if (this.#isClosed) return;
        await this.#flushOne(path);
      }
    } catch (error) {
      // The mark stays, and the next start begins again.
      return log.warn("Cannot flush what an earlier run has left: {error}", { error });
    }
    this.#expected--;
    this.#flushLater();
  }

  /** Flushes at once what waits, if that is little. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    if (this.#since === null || this.#isFlushing || this.#expected > 0) return;
    if (this.#waiting.length > MAX_AT_CLOSE) return;
    try {
      for (const path of this.#waiting) flushAtOnce(path);
      if (this.distrusted === null) Deno.removeSync(this.#path);
    } catch {
      // The mark stays, and the next start sees to it.
    }
  }

  async #begin(): Promise<boolean> {
    const now = this.#system.clock.now();
    const since = Math.min(now, this.#since ?? now) - CLOCK_SLACK_MS;
    if (!await this.#writeMark(since)) return false;
    this.#since = since;
    this.#flushLater();
    return true;
  }

  #flushLater(): void {
    if (this.#isClosed || this.#isFlushing) return;
    if (this.#timer !== undefined) return;
    // Not the storage's clock, which tests hold: nobody waits for this.
    this.#timer = setTimeout(() => void this.flush(), FLUSH_AFTER_MS);
    Deno.unrefTimer(this.#timer);
  }

  /**
   * Flushes what has been published so far. One file after the other, so that little is taken from
   * those who read and write meanwhile. Never rejects.
   */
  async flush(): Promise<void> {
    if (this.#isFlushing || this.#isClosed) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isFlushing = true;
    const began = this.#system.clock.now();
    const paths = this.#waiting;
    this.#waiting = [];
    const expected = this.#expected;
    let done = 0;
    try {
      for (; done < paths.length && !this.#isClosed; done++) {
        await this.#flushOne(paths[done] ?? "");
      }
      if (this.#isClosed) return;
      const isAll = this.#waiting.length === 0 && this.#expected === 0;
      // Who is about to publish relies on the mark as it is.
      if (isAll || expected === 0) await this.#advance(isAll, began);
    } finally {
      this.#waiting = [...paths.slice(done), ...this.#waiting];
      this.#isFlushing = false;
      if (this.#waiting.length > 0 || this.#expected > 0) this.#flushLater();
    }
  }

  async #advance(isAll: boolean, began: Instant): Promise<void> {
    if (isAll && this.distrusted === null) {
      this.#since = null;
      return this.#removeMark();
    }
    const since = began - CLOCK_SLACK_MS;
    if (this.#since === null || since <= this.#since) return;
    if (await this.#writeMark(since)) this.#since = since;
  }

  /** In the same turn in which it is no longer in force. */
  #removeMark(): void {
    try {
      Deno.removeSync(this.#path);
    } catch (error) {
      // Then more is not believed than need be, should the machine go down.
      if (!isGone(error)) log.warn("Cannot remove {path}: {error}", { path: this.#path, error });
    }
  }

  async #flushOne(path: string): Promise<void> {
    try {
      await this.#system.flush(path);
    } catch (error) {
      if (isGone(error)) return;
      log.error("Cannot flush {path} to the disk, it is removed: {error}", { path, error });
      await this.#system.remove(path).catch(() => {});
    }
  }

  #distrust(from: Instant): void {
    const now = this.#system.clock.now();
    // Where the clock makes no sense, all that is there now.
    const bootedAt = this.#bootedAt ?? 0;
    const to = bootedAt > from ? bootedAt + BOOT_TOLERANCE_MS : Math.max(now, from);
    const before = this.distrusted;
    this.distrusted = {
      from: Math.min(from, before?.from ?? from),
      to: Math.max(to, before?.to ?? to),
    };
  }

  /** One after the other, so that the last one stands. */
  #writeMark(since: Instant): Promise<boolean> {
    return this.#marking = this.#marking.then(() => this.#writeMarkNow(since));
  }

  /** On the disk when it resolves. Never rejects: without it each file is flushed by itself. */
  async #writeMarkNow(since: Instant): Promise<boolean> {
    const unfinished = join(this.#partialFolder, `mark.${crypto.randomUUID()}`);
    try {
      const mark = { bootedAt: this.#bootedAt, since, distrusted: this.distrusted };
      await Deno.writeTextFile(unfinished, JSON.stringify(mark), { createNew: true });
      await this.#system.flush(unfinished);
      await Deno.rename(unfinished, this.#path);
      // The new name is in the folder, not in the file.
      await this.#system.flush(join(this.#path, ".."));
      return true;
    } catch (error) {
      await Deno.remove(unfinished).catch(() => {});
      log.warn("Cannot write {path}: {error}", { path: this.#path, error });
      return false;
    }
  }
}

function isSameBoot(a: Instant | null, b: Instant | null): boolean {
  return a !== null && b !== null && Math.abs(a - b) <= BOOT_TOLERANCE_MS;
}

function flushAtOnce(path: string): void {
  try {
    using file = Deno.openSync(path);
    file.syncSync();
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}
