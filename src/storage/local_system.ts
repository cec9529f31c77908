import { statfsSync } from "node:fs";
import type { Clock, Instant } from "../types.ts";
import type { DiskSpace } from "./space.ts";

/** What `LocalStorage` needs of the machine and tests replace: faults and time. */
export interface LocalSystem {
  /** Opens unfinished files for writing and stored files for reading. */
  openFile(path: string, options: Deno.OpenOptions): Promise<Deno.FsFile>;
  /**
   * Creates a file with all its bytes and its time, in seconds; what it then is. Synchronous: of a
   * small file each step through the file system's threads would cost as much as all of this. null:
   * such files are written like all others.
   */
  readonly writeNew: ((path: string, body: Uint8Array, time: number) => Deno.FileInfo) | null;
  /** Sends what is written of a file to the disk. */
  flush(path: string): Promise<void>;
  /**
   * When the machine was started: what was in its memory alone was lost then. null: it does not tell,
   * so each file is flushed before it is published.
   */
  bootedAt(): Instant | null;
  /** Synchronous, so that file and index change in one step for everyone in this process. */
  rename(from: string, to: string): void;
  /** Removes unfinished, replaced and evicted files. */
  remove(path: string): Promise<void>;
  /** Synchronous, so that it fits what is written at that moment. A quarter of a millisecond. */
  diskSpace(path: string): DiskSpace;
  readonly clock: Clock;
}

/** The machine itself. */
export const LOCAL_SYSTEM: LocalSystem = {
  openFile: Deno.open,
  writeNew(path, body, time) {
    using file = Deno.openSync(path, { createNew: true, write: true });
    for (let at = 0; at < body.byteLength;) at += file.writeSync(body.subarray(at));
    file.utimeSync(time, time);
    return file.statSync();
  },
  async flush(path) {
    using file = await Deno.open(path);
    await file.sync();
  },
  bootedAt() {
    try {
      return Date.now() - Deno.osUptime() * 1000;
    } catch {
      return null;
    }
  },
  rename: Deno.renameSync,
  remove: Deno.remove,
  diskSpace(path) {
    const { bavail, blocks, bsize } = statfsSync(path);
    return { free: bavail * bsize, total: blocks * bsize };
  },
  clock: {
    now: Date.now,
    after(ms, callback) {
      const timer = setTimeout(callback, ms);
      // What waits is worth less than an exit without delay.
      Deno.unrefTimer(timer);
      return () => clearTimeout(timer);
    },
  },
};
