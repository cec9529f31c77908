import type { Clock } from "../types.ts";

/** What `LocalStorage` needs of the machine and tests replace: faults and time. */
export interface LocalSystem {
  /** Opens unfinished files for writing and stored files for reading. */
  openFile(path: string, options: Deno.OpenOptions): Promise<Deno.FsFile>;
  /** Synchronous, so that file and index change in one step for everyone in this process. */
  rename(from: string, to: string): void;
  readonly clock: Clock;
}

/** The machine itself. */
export const LOCAL_SYSTEM: LocalSystem = {
  openFile: Deno.open,
  rename: Deno.renameSync,
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
