import { getLogger } from "@logtape/logtape";
import type { PublishedFile } from "../decide/digests/digest.ts";
import { mayName, sourceOf } from "../decide/digests/list_source.ts";
import type { ListFormat } from "../decide/digests/parser_of.ts";
import type { DigestIndex } from "../storage/digest_index.ts";
import type { LocalStorage } from "../storage/local_storage.ts";
import type { Entry, Key } from "../types.ts";
import { type FoundList, listVersion, readList } from "./list_reader.ts";
import { isByHash, type ListRules, pathOfKey } from "./list_rules.ts";

/** Rows of all lists together, some 200 bytes each: the lists that were read first go. */
const MAX_ROWS = 2_000_000;

/** Lists that were there before and wait to be read; further ones wait for the next start. */
const MAX_BACKLOG = 100_000;

/** Lists that have just come and are read first; older ones become part of the backlog. */
const MAX_FRESH = 256;

/** A list that names so few files has those that are stored compared at once. */
const FEW_FILES = 16;

/** Rows of the storage's index that are looked at in one turn. */
const PAGE_ROWS = 100;

const CARGO_CONFIG = "config.json";

const log = getLogger(["cache-proxy", "digests"]);

/** What a list has named before, and what it names now. */
export interface ListChange {
  readonly before: readonly Key[];
  readonly after: readonly Key[];
}

/** What keeping takes. */
export interface ListKeeperParts {
  readonly storage: Pick<LocalStorage, "find" | "open" | "list">;
  readonly index: DigestIndex;
  readonly rules: () => ListRules;
  /** Told of each file as it is read in a list; cheap. */
  readonly onFile: (file: PublishedFile) => void;
  /** Asked to look at the few files of a list. */
  readonly onFew: (key: Key, signal: AbortSignal) => Promise<void>;
  /** Told of each list that has taken the place of another one; null: nobody cares. */
  readonly onListed: ((change: ListChange) => void) | null;
}

/** Keeps the index of digests as the stored lists say: reads one list after the other. */
export class ListKeeper {
  readonly #parts: ListKeeperParts;
  readonly #fresh = new Map<Key, { readonly format: ListFormat }>();
  readonly #backlog = new Set<Key>();
  readonly #ended = new AbortController();
  #reading: Promise<void> | null = null;
  #scanning: Promise<void> = Promise.resolve();
  #onRead = Promise.withResolvers<void>();

  constructor(parts: ListKeeperParts) {
    this.#parts = parts;
  }

  /** A stored key has come, changed or gone. */
  changed(key: Key): void {
    const path = pathOfKey(key);
    if (key.includes("?")) return;
    // Of a file by its hash nobody knows what it is before its anchor has been read.
    const format = isByHash(path) ? "apt-packages" : this.#parts.rules().formatOf(path);
    if (format === null) return;
    this.#fresh.delete(key);
    this.#fresh.set(key, { format });
    const [oldest] = this.#fresh.keys();
    if (this.#fresh.size > MAX_FRESH && oldest !== undefined) {
      this.#fresh.delete(oldest);
      this.#backlog.add(oldest);
    }
    this.#wake();
  }

  /** Whether a list that has just come may be the one that names a file. */
  mayName(path: Key): boolean {
    for (const [key, { format }] of this.#fresh) {
      if (mayName(format, pathOfKey(key), path)) return true;
    }
    return false;
  }

  /** Resolves when the next list has been read. */
  get nextRead(): Promise<void> {
    return this.#onRead.promise;
  }

  /** Finds lists that are stored and not read, and forgets those that are not stored any more. */
  scan(): void {
    this.#scanning = this.#scanning.then(() => this.#scan());
  }

  /** Resolves when all that was stored so far has been read; never rejects. */
  async settled(): Promise<void> {
    await this.#scanning;
    while (this.#reading !== null) await this.#reading;
  }

  /** Reads no more. Never rejects. */
  async stop(): Promise<void> {
    this.#ended.abort();
    await this.settled();
  }

  #wake(): void {
    if (this.#ended.signal.aborted) return;
    // In a later turn: whoever has just stored it goes on first.
    this.#reading ??= Promise.resolve().then(() => this.#readAll());
  }

  async #readAll(): Promise<void> {
    while (!this.#ended.signal.aborted) {
      const [key] = this.#fresh.size > 0 ? this.#fresh.keys() : this.#backlog;
      if (key === undefined) break;
      this.#backlog.delete(key);
      const before = this.#fresh.get(key);
      await this.#read(key);
      // One that has changed meanwhile stays.
      if (this.#fresh.get(key) === before) this.#fresh.delete(key);
      this.#onRead.resolve();
      this.#onRead = Promise.withResolvers<void>();
    }
    await this.#clean();
    this.#reading = null;
    if (this.#fresh.size + this.#backlog.size > 0) this.#wake();
  }

  /** Never rejects: a list that cannot be read says nothing new. */
  async #read(key: Key): Promise<void> {
    const { storage, index } = this.#parts;
    try {
      const entry = storage.find(key);
      const list = entry === null ? null : this.#listOf(entry);
      if (list === null) index.drop(key);
      else if (list.format === "cargo-index" && key.endsWith(`/${CARGO_CONFIG}`)) {
        await this.#enqueueBelow(key.slice(0, -CARGO_CONFIG.length));
      } else if (index.listOf(key)?.version !== listVersion(list, storage)) {
        await this.#readList(list);
      }
    } catch (error) {
      if (this.#ended.signal.aborted) return;
      log.warn("Cannot read the list {key}: {error}", { key, error });
    }
  }

  /** What a stored file lists; null: nothing. */
  #listOf(entry: Entry): FoundList | null {
    if (entry.status !== 200) return null;
    const path = pathOfKey(entry.key);
    const alias = isByHash(path)
      ? this.#parts.index.find(path).find((it) => it.alias !== null)?.alias
      : null;
    const place = alias ?? path;
    const format = this.#parts.rules().formatOf(place);
    return format === null ? null : { entry, format, place };
  }

  async #readList(list: FoundList): Promise<void> {
    const { storage, index, rules, onFile, onFew, onListed } = this.#parts;
    const { signal } = this.#ended;
    const { key } = list.entry;
    const source = sourceOf(list.format, list.place);
    const before = onListed === null ? [] : index.keysOf(source);
    const few: Key[] = [];
    const { upstreams } = rules().settings;
    const result = await readList(list, { storage, index, upstreams }, (files) => {
      for (const file of files) {
        onFile(file);
        if (few.length <= FEW_FILES) few.push(file.key);
      }
    }, signal);
    if (result.kind === "gone") return;
    log.debug("Read {key}: {files} files", { key, files: result.files });
    index.shrink(MAX_ROWS);
    if (few.length <= FEW_FILES) { for (const file of few) await onFew(file, signal); }
    if (before.length > 0) onListed?.({ before, after: index.keysOf(source) });
  }

  async #scan(): Promise<void> {
    const { storage, index, rules } = this.#parts;
    if (this.#ended.signal.aborted) return;
    try {
      const lists = index.lists();
      for (const { key } of lists) {
        const entry = storage.find(key);
        if (entry === null || this.#listOf(entry) === null) index.drop(key);
      }
      const { text } = rules();
      if (text === index.rules) {
        for (const { key } of lists) this.#enqueue(key);
      } else {
        index.rules = "";
        await this.#enqueueBelow("/");
        if (!this.#ended.signal.aborted) index.rules = text;
      }
      // What a crash has left half read, and what is not in force any more.
      this.#wake();
    } catch (error) {
      log.warn("Cannot look for stored lists: {error}", { error });
    }
  }

  /** Anchors come first: they say what files by their hashes are. */
  async #enqueueBelow(prefix: Key): Promise<void> {
    const byHash: Key[] = [];
    for (let after = prefix;;) {
      const page = this.#parts.storage.list(after, PAGE_ROWS);
      for (const { entry: { key } } of page) {
        if (!key.startsWith(prefix) || this.#ended.signal.aborted) break;
        after = key;
        const path = pathOfKey(key);
        if (isByHash(path)) byHash.push(key);
        else if (!key.includes("?") && this.#parts.rules().formatOf(path) !== null) {
          if (key !== prefix + CARGO_CONFIG) this.#enqueue(key);
        }
      }
      if (page.length < PAGE_ROWS || page.at(-1)?.entry.key !== after) break;
      await new Promise<void>((resolve) => setTimeout(resolve));
    }
    for (const key of byHash) this.#enqueue(key);
  }

  #enqueue(key: Key): void {
    if (this.#backlog.size >= MAX_BACKLOG) return;
    this.#backlog.add(key);
    this.#wake();
  }

  async #clean(): Promise<void> {
    try {
      while (!this.#ended.signal.aborted && this.#parts.index.clean()) {
        await new Promise<void>((resolve) => setTimeout(resolve));
      }
    } catch (error) {
      log.warn("Cannot clear what old lists say: {error}", { error });
    }
  }
}
