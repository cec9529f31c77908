import { getLogger } from "@logtape/logtape";
import { join } from "@std/path";
import { StorageError } from "../errors.ts";
import type { Entry, Instant } from "../types.ts";
import { type FileIdentity, identify } from "./file_identity.ts";
import type { LocalSystem } from "./local_system.ts";
import type { EntryFacts, PartialFile } from "./storage.ts";
import { storageFailure } from "./storage_failure.ts";

/** Moves a finished file to its place and indexes it; throws when it could not. */
export type Publish = (
  path: string,
  identity: FileIdentity,
  facts: EntryFacts,
) => Promise<Entry>;

const log = getLogger(["cache-proxy", "storage"]);

/** An unfinished file in the hidden folder. */
export class LocalPartialFile implements PartialFile {
  readonly path: string;
  readonly #file: Deno.FsFile;
  readonly #publish: Publish;
  #written = 0;
  #state: "open" | "committing" | "ended" = "open";

  private constructor(path: string, file: Deno.FsFile, publish: Publish) {
    this.path = path;
    this.#file = file;
    this.#publish = publish;
  }

  /**
   * @param pattern Name of the file; its last `*`, or else its end, becomes something unique.
   * @throws {StorageError} When the file cannot be created.
   */
  static async create(
    folder: string,
    pattern: string,
    openFile: LocalSystem["openFile"],
    publish: Publish,
  ): Promise<LocalPartialFile> {
    const path = join(folder, uniqueName(pattern));
    try {
      const file = await openFile(path, { createNew: true, read: true, write: true });
      return new LocalPartialFile(path, file, publish);
    } catch (error) {
      throw storageFailure(`create "${path}"`, error);
    }
  }

  get written(): number {
    return this.#written;
  }

  async write(chunk: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#mustBeOpen("write");
    try {
      for (let offset = 0; offset < chunk.byteLength;) {
        const count = await this.#file.write(chunk.subarray(offset));
        if (count === 0) throw new Error("the file system took no bytes");
        offset += count;
        this.#written += count;
      }
    } catch (error) {
      throw storageFailure(`write "${this.path}"`, error);
    }
  }

  async commit(facts: EntryFacts): Promise<Entry> {
    this.#mustBeOpen("commit");
    this.#state = "committing";
    try {
      const identity = await this.#finish(facts.lastModified ?? facts.storedAt);
      const entry = await this.#publish(this.path, identity, facts);
      this.#state = "ended";
      return entry;
    } catch (error) {
      await this.#discard();
      throw storageFailure(`publish "${this.path}"`, error);
    }
  }

  async abort(): Promise<void> {
    if (this.#state === "open") await this.#discard();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.abort();
  }

  /** Makes the file what it is to be once it is published, on the disk and not in memory alone. */
  async #finish(modifiedAt: Instant): Promise<FileIdentity> {
    const { size } = await this.#file.stat();
    if (size !== this.#written) {
      throw new Error(`it has ${size} bytes instead of the ${this.#written} that were written`);
    }
    const time = Math.floor(modifiedAt / 1000);
    await this.#file.utime(time, time);
    // After a power cut no published file may lack bytes, nor its time: an adopted file with a later
    // one would pass as newer than it is. Hence `sync` and not `syncData`.
    await this.#file.sync();
    const identity = identify(await this.#file.stat());
    if (identity === null) throw new Error("it is not a regular file");
    this.#file.close();
    return identity;
  }

  async #discard(): Promise<void> {
    this.#state = "ended";
    try {
      this.#file.close();
    } catch {
      // It was closed before the step that failed.
    }
    try {
      await Deno.remove(this.path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
      log.warn("Cannot remove unfinished file {path}: {error}", { path: this.path, error });
    }
  }

  #mustBeOpen(action: string): void {
    if (this.#state === "open") return;
    throw new StorageError(
      "storage-failed",
      `Cannot ${action} "${this.path}": it is committed or aborted already`,
    );
  }
}

function uniqueName(pattern: string): string {
  const star = pattern.lastIndexOf("*");
  const at = star < 0 ? pattern.length : star;
  return pattern.slice(0, at) + crypto.randomUUID() + pattern.slice(at + 1);
}
