import { getLogger } from "@logtape/logtape";
import type { PublishedFile } from "../decide/digests/digest.ts";
import type { Expected } from "../decide/digests/expected.ts";
import { ByteDigester } from "../storage/byte_digester.ts";
import type { LocalStorage } from "../storage/local_storage.ts";
import type { Entry, Key } from "../types.ts";
import { isPlain } from "./list_rules.ts";

/** Bytes of one read. */
const READ_BYTES = 256 * 1024;

const log = getLogger(["cache-proxy", "digests"]);

/** What it takes. */
export interface WrongCopiesParts {
  readonly storage: Pick<LocalStorage, "find" | "open" | "remove">;
  readonly expected: (path: Key) => Expected | null;
  readonly isForGood: (path: Key) => boolean;
  /** Told of each copy that is thrown out. */
  readonly onWrong: (entry: Entry, expected: Expected) => void;
}

/** Throws out copies that were stored before it was known what they should be. */
export class WrongCopies {
  readonly #parts: WrongCopiesParts;

  constructor(parts: WrongCopiesParts) {
    this.#parts = parts;
  }

  /** A copy that is not as long as a list says was not stored well. Cheap, and does not wait. */
  compareSize({ key, size }: PublishedFile): void {
    const entry = size === null ? null : this.#parts.storage.find(key);
    if (entry === null || entry.size === size || !this.#isComparable(entry)) return;
    const expected = this.#parts.expected(key);
    if (expected === null || expected.sizes.length === 0) return;
    if (!expected.sizes.includes(entry.size)) void this.#throwOut(entry, expected);
  }

  /** Reads a copy and compares it with what is published. */
  async compareBytes(key: Key, signal: AbortSignal): Promise<void> {
    const entry = this.#parts.storage.find(key);
    const expected = entry === null ? null : this.#parts.expected(key);
    if (entry === null || expected === null || !this.#isComparable(entry)) return;
    using opened = await this.#parts.storage.open(entry);
    if (opened === null) return;
    const digester = new ByteDigester(expected.digests, key);
    const buffer = new Uint8Array(READ_BYTES);
    for (let n = await opened.file.read(buffer); n !== null; n = await opened.file.read(buffer)) {
      digester.update(buffer.subarray(0, n));
      if (signal.aborted) return;
    }
    if (await digester.verdict() === "other") await this.#throwOut(entry, expected);
  }

  /** Another state of a file that changes is no wrong one. */
  #isComparable(entry: Entry): boolean {
    return isPlain(entry) && this.#parts.isForGood(entry.key);
  }

  async #throwOut(entry: Entry, expected: Expected): Promise<void> {
    const { storage, onWrong } = this.#parts;
    if (storage.find(entry.key)?.storedAt !== entry.storedAt) return;
    onWrong(entry, expected);
    try {
      await storage.remove(entry.key);
    } catch (error) {
      log.warn("Cannot remove the wrong {key}: {error}", { key: entry.key, error });
    }
  }
}
