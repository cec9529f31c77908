import { join } from "@std/path";
import { HIDDEN_FOLDER } from "../decide/tree_path.ts";
import { isGone, storageFailure } from "./storage_failure.ts";

/** A larger file is none of ours. */
const MAX_STATE_BYTES = 4 * 1024 * 1024;

/**
 * A small JSON file in the hidden folder of an open data directory, for what is good to know again
 * after a restart and can be done without.
 */
export class StateFile {
  readonly path: string;
  readonly #partialFolder: string;

  /** @param root The data directory; its storage must be open, which holds the lock. */
  constructor(root: string, name: string) {
    this.path = join(root, HIDDEN_FOLDER, name);
    this.#partialFolder = join(root, HIDDEN_FOLDER, "partial");
  }

  /**
   * What was written last; undefined when there is no such file.
   *
   * @throws {StorageError} When the file cannot be read or is no JSON.
   */
  async read(): Promise<unknown> {
    try {
      const { size } = await Deno.stat(this.path);
      if (size > MAX_STATE_BYTES) throw new Error(`it has ${size} bytes`);
      return JSON.parse(await Deno.readTextFile(this.path));
    } catch (error) {
      if (isGone(error)) return undefined;
      throw storageFailure(`read "${this.path}"`, error);
    }
  }

  /**
   * Replaces the file in one step: whoever reads it finds the old or the new value.
   *
   * @throws {StorageError} When the disk does not take it; the old value is then still there.
   */
  async write(value: unknown): Promise<void> {
    // What a crash leaves in this folder is removed at the next start.
    const unfinished = join(this.#partialFolder, `state.${crypto.randomUUID()}`);
    try {
      await Deno.writeTextFile(unfinished, JSON.stringify(value), { createNew: true });
      await Deno.rename(unfinished, this.path);
    } catch (error) {
      await Deno.remove(unfinished).catch(() => {});
      throw storageFailure(`write "${this.path}"`, error);
    }
  }
}
