import { statfsSync } from "node:fs";
import type { Clock } from "../types.ts";
import type { DiskSpace } from "./space.ts";

/** What `LocalStorage` needs of the machine and tests replace: faults and time. */
export interface LocalSystem {
  /** Opens unfinished files for writing and stored files for reading. */
  openFile(path: string, options: Deno.OpenOptions): Promise<Deno.FsFile>;
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
