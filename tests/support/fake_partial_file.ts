import { StorageError } from "../../src/errors.ts";
import type { EntryFacts, PartialFile } from "../../src/storage/storage.ts";
import type { Entry } from "../../src/types.ts";
import { entry } from "./facts.ts";
import { Gate } from "./gate.ts";

/** A partial file in a temporary directory; writes can be held and can fail. */
export class FakePartialFile implements PartialFile {
  readonly path: string;
  readonly #directory: string;
  readonly #file: Deno.FsFile;
  /** Sizes of the writes that were asked for. */
  readonly writes: number[] = [];
  /** Writes wait for it. */
  held: Gate | null = null;
  /** From so many bytes on the disk is full. */
  capacity = Infinity;
  #written = 0;

  constructor() {
    this.#directory = Deno.makeTempDirSync();
    this.path = `${this.#directory}/file`;
    this.#file = Deno.openSync(this.path, { createNew: true, write: true });
  }

  get written(): number {
    return this.#written;
  }

  begin(): Promise<void> {
    return Promise.resolve();
  }

  async write(chunk: Uint8Array<ArrayBuffer>): Promise<void> {
    this.writes.push(chunk.byteLength);
    await this.held?.opened;
    const room = Math.max(0, Math.min(chunk.byteLength, this.capacity - this.#written));
    for (let offset = 0; offset < room;) {
      offset += await this.#file.write(chunk.subarray(offset, room));
    }
    this.#written += room;
    if (room < chunk.byteLength) throw new StorageError("storage-full", "Cannot write: it is full");
  }

  commit(facts: EntryFacts): Promise<Entry> {
    return Promise.resolve(entry({ ...facts, size: this.#written }));
  }

  abort(): Promise<void> {
    return Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#file.close();
    await Deno.remove(this.#directory, { recursive: true });
  }
}
