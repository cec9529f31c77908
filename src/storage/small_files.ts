import { setImmediate } from "node:timers";
import { basename, dirname, join } from "@std/path";
import { treePath } from "../decide/tree_path.ts";
import type { Entry, Key } from "../types.ts";
import type { DataDirectory } from "./data_directory.ts";
import type { EntryIndex, IndexedFile } from "./entry_index.ts";
import { identify } from "./file_identity.ts";
import type { LocalSystem } from "./local_system.ts";
import { isPlain } from "./overflow_notes.ts";
import { newEntry } from "./publish.ts";
import { diskBytes, type Space } from "./space.ts";
import type { EntryFacts } from "./storage.ts";
import { uniqueName } from "./unique_name.ts";
import type { Unflushed } from "./unflushed.ts";

/** Files that are written in one turn of the event loop: some 50 µs each, so 1 to 2 ms. */
const MAX_TURN = 32;

/** How long fewer wait for others, in milliseconds: a transaction costs as much as four files. */
const GATHER_MS = 5;

/** A longer body is written like all others: what one step may take is bounded. */
export const MAX_SMALL_BYTES = 64 * 1024;

/** What small files are stored with. */
export interface SmallFilesParts {
  readonly directory: DataDirectory;
  readonly index: EntryIndex;
  readonly space: Space;
  readonly system: LocalSystem;
  readonly unflushed: Unflushed;
  /** Name of unfinished files. */
  readonly pattern: string;
  /** Called when files have been published. */
  readonly onPublished: () => void;
}

/** A body that waits to be written. */
interface Waiting {
  readonly key: Key;
  readonly body: Uint8Array;
  readonly facts: EntryFacts;
  readonly settle: (entry: Entry | null) => void;
}

/** A file that is written and not yet in its place. */
interface Written {
  readonly indexed: IndexedFile;
  readonly from: string;
  readonly to: string;
  readonly bytes: number;
  readonly settle: (entry: Entry | null) => void;
}

/**
 * Writes small bodies for keys that have no file yet, several in one turn: their rows in one
 * transaction, then one rename each. The order is that of every publication, row before rename, and
 * so a crash leaves what it leaves elsewhere. All of it is synchronous, as looking up and publishing
 * are anyway: a file system that hangs stops the program either way.
 *
 * Whatever is not simple is left to the usual way: another file in the place, no room, a fault.
 */
export class SmallFiles {
  readonly #parts: SmallFilesParts;
  readonly #folders = new Map<string, string | null>();
  #waiting: Waiting[] = [];
  #plan: "none" | "gathering" | "turn" = "none";
  #gathering: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: SmallFilesParts) {
    this.#parts = parts;
  }

  /** null: nothing is stored, and it is for the usual way to store it or to say why not. */
  async put(key: Key, body: Uint8Array, facts: EntryFacts): Promise<Entry | null> {
    const { system, unflushed } = this.#parts;
    if (system.writeNew === null || body.byteLength > MAX_SMALL_BYTES || !isPlain(facts)) {
      return null;
    }
    if (!unflushed.isInForce && !await unflushed.begin()) return null;
    return await new Promise((settle) => {
      this.#waiting.push({ key, body, facts, settle });
      this.#planTurn();
    });
  }

  /** After what goes on in this turn: answers go out first, and those who come together gather. */
  #planTurn(): void {
    const { length } = this.#waiting;
    if (length === 0 || this.#plan === "turn") return;
    if (length < MAX_TURN) {
      if (this.#plan === "gathering") return;
      this.#plan = "gathering";
      this.#gathering = setTimeout(() => this.#turn(), GATHER_MS);
      return;
    }
    clearTimeout(this.#gathering);
    this.#plan = "turn";
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#plan = "none";
    this.#store(this.#waiting.splice(0, MAX_TURN));
    this.#planTurn();
  }

  #store(turn: readonly Waiting[]): void {
    this.#folders.clear();
    const written: Written[] = [];
    const keys = new Set<Key>();
    for (const waiting of turn) {
      const file = keys.has(waiting.key) ? null : this.#write(waiting);
      if (file === null) waiting.settle(null);
      else written.push(file);
      keys.add(waiting.key);
    }
    if (written.length === 0) return;
    try {
      this.#parts.index.replaceAll(written.map(({ indexed }) => indexed));
    } catch {
      return written.forEach((file) => this.#giveUp(file));
    }
    for (const file of written) this.#publish(file);
    this.#parts.onPublished();
  }

  #write({ key, body, facts, settle }: Waiting): Written | null {
    const { directory, index, space, system, unflushed, pattern } = this.#parts;
    const bytes = diskBytes(body.byteLength);
    let from: string | null = null;
    try {
      const place = treePath(key);
      const { maxObjectBytes } = space.limits;
      if (place.kind !== "tree" || !unflushed.isInForce) return null;
      if (body.byteLength > (maxObjectBytes ?? Infinity) || !space.fits(bytes)) return null;
      const folder = this.#folderOf(place.path);
      if (folder === null || index.find(key) !== null) return null;
      const to = join(folder, basename(place.path));
      from = join(directory.partialFolder, uniqueName(pattern));
      const time = Math.floor((facts.lastModified ?? facts.storedAt) / 1000);
      const info = system.writeNew?.(from, body, time);
      const identity = info === undefined ? null : identify(info);
      if (identity?.size !== body.byteLength) throw new Error("the file lacks bytes");
      // Counted in one step with the writing: nothing else runs in between.
      space.reserve(bytes);
      space.wrote(bytes);
      const entry = newEntry(key, place.path, body.byteLength, facts);
      return { indexed: { entry, identity }, from, to, bytes, settle };
    } catch {
      if (from !== null) removeQuietly(from);
      return null;
    }
  }

  /** Looked at once in each turn. */
  #folderOf(file: string): string | null {
    const { directory } = this.#parts;
    const name = dirname(file);
    const known = this.#folders.get(name);
    if (known !== undefined) return known;
    const folder = directory.isInOrder ? directory.folderOfAtOnce(file) : null;
    this.#folders.set(name, folder);
    return folder;
  }

  #publish(file: Written): void {
    const { system, index, space, unflushed } = this.#parts;
    const { from, to, bytes, indexed, settle } = file;
    try {
      system.rename(from, to);
    } catch {
      // What fails here is told by the usual way, which fails as well.
      dropQuietly(index, indexed);
      return this.#giveUp(file);
    }
    space.release(bytes, 0);
    unflushed.add(to);
    settle(indexed.entry);
  }

  #giveUp({ from, bytes, settle }: Written): void {
    removeQuietly(from);
    this.#parts.space.release(bytes, bytes);
    // `wrote` took it from what is still to be written.
    this.#parts.space.wrote(-bytes);
    settle(null);
  }
}

function removeQuietly(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // It was not created, or the next start removes it.
  }
}

function dropQuietly(index: EntryIndex, indexed: IndexedFile): void {
  try {
    index.drop(indexed);
  } catch {
    // A row without its file is dropped when it is used.
  }
}
