import { getLogger } from "@logtape/logtape";
import type { Space } from "./space.ts";
import { isGone } from "./storage_failure.ts";

/** Files that could not be removed are remembered up to this many, to be tried again. */
const MAX_STUCK_FILES = 1000;

const log = getLogger(["cache-proxy", "storage"]);

/**
 * Removes files that nobody needs any more. Their bytes count until they have really gone, and go on
 * counting when a file cannot be removed.
 */
export class Trash {
  readonly #space: Space;
  readonly #removeFile: (path: string) => Promise<void>;
  #stuck: { readonly path: string; readonly bytes: number }[] = [];
  #change = Promise.withResolvers<void>();
  #underWay = 0;
  #warned = false;

  constructor(space: Space, removeFile: (path: string) => Promise<void>) {
    this.#space = space;
    this.#removeFile = removeFile;
  }

  get isEmpty(): boolean {
    return this.#underWay === 0;
  }

  /** Resolves when the next file has gone, or could not be removed, or on `wake`. */
  changed(): Promise<void> {
    return this.#change.promise;
  }

  /** Lets everybody who waits look again. */
  wake(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }

  /** Never throws: the log says once what went wrong. */
  async remove(path: string, bytes: number): Promise<void> {
    const end = this.#space.leave(bytes);
    this.#underWay++;
    let removed = true;
    try {
      await this.#removeFile(path);
      this.#warned = false;
    } catch (error) {
      removed = isGone(error);
      if (!removed) this.#keep(path, bytes, error);
    }
    this.#underWay--;
    end(removed);
    this.wake();
  }

  /** Tries again to remove what could not be removed. */
  async retry(): Promise<void> {
    const files = this.#stuck;
    this.#stuck = [];
    for (const { path, bytes } of files) {
      this.#space.unstick(bytes);
      await this.remove(path, bytes);
    }
  }

  #keep(path: string, bytes: number, error: unknown): void {
    // What is forgotten here counts on until the next start, which empties the folder.
    if (this.#stuck.length < MAX_STUCK_FILES) this.#stuck.push({ path, bytes });
    if (this.#warned) return;
    this.#warned = true;
    log.warn("Cannot remove {path}, its {bytes} bytes still count: {error}", {
      path,
      bytes,
      error,
    });
  }
}
