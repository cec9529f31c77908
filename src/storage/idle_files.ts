import type { Clock, Key } from "../types.ts";
import { type FileIdentity, identify, sameFile } from "./file_identity.ts";

/** Files that are kept open at most; the one that was kept first goes. */
export const MAX_IDLE_FILES = 32;

/** How long a file is kept that nobody takes, in milliseconds: once to twice as long. */
const KEEP_MS = 5_000;

/** A file that nobody reads now. */
interface IdleFile {
  readonly key: Key;
  readonly path: string;
  readonly identity: FileIdentity;
  readonly file: Deno.FsFile;
  isOld: boolean;
}

/**
 * Stored files that were read and stay open for the next reader: to open one takes a step through the
 * system's threads, and a look at each folder above it. They hold no entry back: whoever changes or removes one has its file closed
 * first (`forget`), and what is on disk is compared each time one is taken.
 */
export class IdleFiles {
  readonly #clock: Pick<Clock, "after">;
  readonly #files: IdleFile[] = [];
  #cancelLook: (() => void) | null = null;
  #isClosed = false;

  constructor(clock: Pick<Clock, "after">) {
    this.#clock = clock;
  }

  get count(): number {
    return this.#files.length;
  }

  /**
   * A file for one reader, at its first byte; null when none is kept, or another one stands at the
   * path by now. While a file is open its inode number is not given to another one, so what is at
   * the path is this very file.
   */
  take(key: Key, path: string, identity: FileIdentity): Deno.FsFile | null {
    const at = this.#files.findLastIndex((it) => it.key === key && it.path === path);
    const [idle] = at === -1 ? [] : this.#files.splice(at, 1);
    if (idle === undefined) return null;
    try {
      const found = identify(Deno.statSync(path));
      if (found !== null && sameFile(found, identity) && sameFile(identity, idle.identity)) {
        idle.file.seekSync(0, Deno.SeekMode.Start);
        return idle.file;
      }
    } catch {
      // Whoever opens it anew is told why it cannot be read.
    }
    idle.file.close();
    return null;
  }

  /**
   * Takes a file over that was found to be what the index says. Nothing may be read from it any more:
   * a read that is under way would move the next reader's position.
   */
  keep(key: Key, path: string, identity: FileIdentity, file: Deno.FsFile): void {
    if (this.#isClosed) return file.close();
    this.#files.push({ key, path, identity, file, isOld: false });
    if (this.#files.length > MAX_IDLE_FILES) this.#files.shift()?.file.close();
    this.#cancelLook ??= this.#clock.after(KEEP_MS, () => this.#look());
  }

  /** Closes what is kept of a key; null: of all. */
  forget(key: Key | null): void {
    if (this.#files.length > 0) this.#closeAll((it) => key === null || it.key === key);
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelLook?.();
    this.#closeAll(() => true);
  }

  #look(): void {
    this.#closeAll((it) => it.isOld);
    for (const idle of this.#files) idle.isOld = true;
    this.#cancelLook = this.#files.length === 0
      ? null
      : this.#clock.after(KEEP_MS, () => this.#look());
  }

  #closeAll(which: (idle: IdleFile) => boolean): void {
    for (let at = this.#files.length - 1; at >= 0; at--) {
      const idle = this.#files[at];
      if (idle === undefined || !which(idle)) continue;
      this.#files.splice(at, 1);
      idle.file.close();
    }
  }
}
