import { join } from "@std/path";
import { StorageError } from "../errors.ts";
import type { Entry, Instant } from "../types.ts";
import { type FileIdentity, identify } from "./file_identity.ts";
import type { LocalSystem } from "./local_system.ts";
import type { Reservation } from "./reservation.ts";
import type { EntryFacts, PartialFile } from "./storage.ts";
import { storageFailure } from "./storage_failure.ts";
import { uniqueName } from "./unique_name.ts";

/** What an unfinished file needs of its storage. */
export interface PartialFileParts {
  readonly folder: string;
  /** Name of the file; its last `*`, or else its end, becomes something unique. */
  readonly pattern: string;
  readonly openFile: LocalSystem["openFile"];
  readonly reservation: Reservation;
  /** Whether the finished file may be flushed when it has been published. */
  flushesLater(): Promise<boolean>;
  /** Moves the finished file to its place and indexes it; throws when it could not. */
  publish(path: string, identity: FileIdentity, facts: EntryFacts): Promise<Entry>;
  /** Removes the file, whose bytes count until it has gone. Never throws. */
  remove(path: string, bytes: number): Promise<void>;
  /** Called once, when nothing is under way any more. */
  onEnd(): void;
}

/**
 * An unfinished file in the hidden folder. It is created with its first write: that takes from 0.1 to
 * 1 ms, and whoever asked has the first bytes before.
 */
export class LocalPartialFile implements PartialFile {
  readonly path: string;
  #file: Deno.FsFile | null = null;
  readonly #parts: PartialFileParts;
  #written = 0;
  #state: "open" | "committing" | "ended" = "open";

  constructor(parts: PartialFileParts) {
    this.path = join(parts.folder, uniqueName(parts.pattern));
    this.#parts = parts;
  }

  get written(): number {
    return this.#written;
  }

  async begin(): Promise<void> {
    this.#mustBeOpen("create");
    try {
      await this.#opened();
    } catch (error) {
      await this.abort();
      throw error;
    }
  }

  async write(chunk: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#mustBeOpen("write");
    const file = this.#file ?? await this.#opened();
    const { reservation } = this.#parts;
    await reservation.cover(this.#written + chunk.byteLength);
    try {
      for (let offset = 0; offset < chunk.byteLength;) {
        const count = await file.write(chunk.subarray(offset));
        if (count === 0) throw new Error("the file system took no bytes");
        offset += count;
        this.#written += count;
        reservation.wrote(this.#written);
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
      const entry = await this.#parts.publish(this.path, identity, facts);
      this.#state = "ended";
      this.#parts.onEnd();
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
    const file = this.#file ?? await this.#opened();
    const time = Math.floor(modifiedAt / 1000);
    // Of an open file both time and facts are in memory: no reason for a step to another thread.
    file.utimeSync(time, time);
    // After a power cut no published file may lack bytes, nor its time: an adopted file with a later
    // one would pass as newer than it is. Hence `sync` and not `syncData`.
    if (!await this.#parts.flushesLater()) await file.sync();
    const info = file.statSync();
    if (info.size !== this.#written) {
      throw new Error(
        `it has ${info.size} bytes instead of the ${this.#written} that were written`,
      );
    }
    const identity = identify(info);
    if (identity === null) throw new Error("it is not a regular file");
    file.close();
    return identity;
  }

  async #opened(): Promise<Deno.FsFile> {
    try {
      const options = { createNew: true, write: true };
      return this.#file ??= await this.#parts.openFile(this.path, options);
    } catch (error) {
      throw storageFailure(`create "${this.path}"`, error);
    }
  }

  async #discard(): Promise<void> {
    this.#state = "ended";
    try {
      this.#file?.close();
    } catch {
      // It was closed before the step that failed.
    }
    await this.#parts.remove(this.path, this.#parts.reservation.end());
    this.#parts.onEnd();
  }

  #mustBeOpen(action: string): void {
    if (this.#state === "open") return;
    throw new StorageError(
      "storage-failed",
      `Cannot ${action} "${this.path}": it is committed or aborted already`,
    );
  }
}
