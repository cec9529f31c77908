import type { Clock, Instant } from "../types.ts";
import { isGone } from "./storage_failure.ts";

/** How long a look at the file is good for, in milliseconds. */
const LOOK_AFTER_MS = 10_000;

/**
 * What every database begins with, and how much of the file is read for it:
 * https://www.sqlite.org/fileformat2.html#magic_header_string
 */
const MAGIC = "SQLite format 3\0";

/** What the file is known by. */
interface Seen {
  readonly device: number;
  readonly inode: number;
  /** Bytes. The file never shrinks by itself. */
  readonly size: number;
}

/**
 * Sees what becomes of the index's file behind SQLite's back. A file that was removed works on under
 * its open handle and would be lost with the process; one that was cut or overwritten shows only
 * when a page is read that is not in memory.
 */
export class IndexWatch {
  readonly #path: string;
  readonly #clock: Pick<Clock, "now">;
  #seen: Seen | null;
  #lookedAt: Instant;

  /** Takes what is at the path now for the right file. */
  constructor(path: string, clock: Pick<Clock, "now">) {
    this.#path = path;
    this.#clock = clock;
    this.#seen = look(path);
    this.#lookedAt = clock.now();
  }

  /** Whether a look is due. Asking begins the time anew. */
  isDue(): boolean {
    const now = this.#clock.now();
    // A clock that was set back must not put it off for ever.
    if (Math.abs(now - this.#lookedAt) < LOOK_AFTER_MS) return false;
    this.#lookedAt = now;
    return true;
  }

  /** What is wrong with the file; null: nothing that shows, or nobody can tell. */
  problem(): string | null {
    try {
      const seen = look(this.#path);
      const { device, inode, size } = this.#seen ?? { device: 0, inode: 0, size: 0 };
      if (seen === null) return "its file was removed";
      if (seen.device !== device || seen.inode !== inode) return "its file was replaced";
      if (seen.size < size) return "its file was cut";
      if (!hasMagic(this.#path)) return "its file was overwritten";
      this.#seen = seen;
      return null;
    } catch {
      return null;
    }
  }
}

/** null when there is no such file. */
function look(path: string): Seen | null {
  try {
    const { dev, ino, size } = Deno.statSync(path);
    return { device: dev, inode: ino ?? 0, size };
  } catch (error) {
    if (isGone(error)) return null;
    throw error;
  }
}

function hasMagic(path: string): boolean {
  using file = Deno.openSync(path, { read: true });
  const bytes = new Uint8Array(MAGIC.length);
  const count = file.readSync(bytes) ?? 0;
  return new TextDecoder().decode(bytes.subarray(0, count)) === MAGIC;
}
