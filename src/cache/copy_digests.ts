import { createHash } from "node:crypto";
import { isReleaseName, parseReleaseIndex } from "../decide/release_index.ts";
import type { Storage } from "../storage/storage.ts";
import type { Entry, Instant, Key, Listed } from "../types.ts";
import { Recent } from "./recent.ts";

/** Bytes of one read. */
const READ_BYTES = 256 * 1024;

/** A longer anchor is taken for one that lists nothing: Debian's are of 200 KiB. */
const MAX_LIST_BYTES = 16 * 1024 * 1024;

/** Copies whose digest is remembered: 100 bytes each. */
const MAX_DIGESTS = 10_000;

/** States of sets whose lists are remembered: up to half a megabyte each. */
const MAX_STATES = 64;

/** Anchors of which it is remembered since when they have been as they are. */
const MAX_ANCHORS = 1_000;

/** What an anchor says of its set. */
export interface SetState {
  /** The SHA-256 of the anchor. */
  readonly version: string;
  /** Since when copies of the anchor have been this one, as far as this process knows. */
  readonly since: Instant;
  /** By names relative to the anchor's folder; null when the anchor is of a kind that lists none. */
  readonly files: ReadonlyMap<string, Listed> | null;
}

/** Reads what stored copies are, once for each. */
export class CopyDigests {
  readonly #storage: Pick<Storage, "open">;
  readonly #digests = new Recent<string, Promise<string | null>>(MAX_DIGESTS);
  readonly #files = new Recent<string, SetState["files"]>(MAX_STATES);
  readonly #since = new Recent<Key, Omit<SetState, "files">>(MAX_ANCHORS);

  constructor(storage: Pick<Storage, "open">) {
    this.#storage = storage;
  }

  /**
   * The SHA-256 of a copy; null when it has gone.
   *
   * @throws {StorageError} When it cannot be read.
   */
  async digest(entry: Entry): Promise<string | null> {
    return await this.#once(entry, async () => (await this.#read(entry, false))?.digest ?? null);
  }

  /**
   * The state that a copy of an anchor stands for; null when it has gone.
   *
   * @throws {StorageError} When it cannot be read.
   */
  async state(anchor: Entry): Promise<SetState | null> {
    const version = await this.#once(anchor, () => this.#learn(anchor));
    if (version === null) return null;
    if (this.filesOf(version) === undefined) await this.#learn(anchor);
    if (this.#since.get(anchor.key)?.version !== version) {
      this.#since.set(anchor.key, { version, since: anchor.storedAt });
    }
    const since = this.#since.get(anchor.key)?.since ?? anchor.storedAt;
    return { version, since, files: this.filesOf(version) ?? null };
  }

  /** What a state that was seen before lists; undefined when it was forgotten. */
  filesOf(version: string): SetState["files"] | undefined {
    return this.#files.get(version);
  }

  async #once(entry: Entry, read: () => Promise<string | null>): Promise<string | null> {
    const name = nameOf(entry);
    const known = this.#digests.get(name);
    if (known !== undefined) return await known;
    const reading = read();
    this.#digests.set(name, reading);
    let digest: string | null = null;
    try {
      digest = await reading;
    } finally {
      if (digest === null) this.#digests.delete(name);
    }
    return digest;
  }

  async #learn(anchor: Entry): Promise<string | null> {
    const isList = isReleaseName(anchor.key) && anchor.size <= MAX_LIST_BYTES;
    const read = await this.#read(anchor, isList);
    if (read === null) return null;
    const version = read.digest;
    if (this.filesOf(version) === undefined) {
      this.#files.set(version, isList ? parseReleaseIndex(read.text) : null);
    }
    return version;
  }

  async #read(
    entry: Entry,
    wantsText: boolean,
  ): Promise<{ readonly digest: string; readonly text: string } | null> {
    using opened = await this.#storage.open(entry);
    if (opened === null) return null;
    const hash = createHash("sha256");
    const decoder = new TextDecoder();
    const buffer = new Uint8Array(READ_BYTES);
    let text = "";
    for (let bytes = 0; bytes < entry.size;) {
      const read = await opened.file.read(buffer);
      if (read === null) return null;
      const chunk = buffer.subarray(0, read);
      hash.update(chunk);
      if (wantsText) text += decoder.decode(chunk, { stream: true });
      bytes += read;
    }
    return { digest: hash.digest("hex"), text };
  }
}

/** No two copies of a key have it all in common. */
function nameOf({ key, storedAt, size, etag, lastModified }: Entry): string {
  return JSON.stringify([key, storedAt, size, etag, lastModified]);
}
