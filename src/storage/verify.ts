import type { Digest } from "../decide/digests/digest.ts";
import { listedByName } from "../decide/sets.ts";
import type { Entry, Key } from "../types.ts";
import { ByteDigester } from "./byte_digester.ts";
import type { ListedEntry } from "./entry_index.ts";

/** Entries that are read from the index at once. */
const PAGE_ROWS = 100;

/** Bytes of one read. */
const READ_BYTES = 256 * 1024;

/** What verifying works on. */
export interface VerifyStorage {
  /** So many entries behind a key, in the order of the keys, variants included. */
  list(after: Key, count: number): ListedEntry[];
  find(key: Key): Entry | null;
  pathOf(entry: Entry): string;
  /** Whether another file has taken the place of an entry's. */
  isReplaced(entry: Entry): boolean;
  remove(key: Key): Promise<boolean>;
}

/** What is asked for. */
export interface VerifyOptions {
  /** Begins the keys of the entries that are looked at; `/` for all. */
  readonly prefix: string;
  /** Whether what is wrong is thrown out. */
  readonly repair: boolean;
  /** Stops it within one read. */
  readonly signal: AbortSignal;
  /**
   * What an entry's bytes must be, any of them, where somebody knows it; empty: only its size can be
   * compared. Without it, what its name says ({@linkcode digestByName}).
   */
  readonly digestsOf?: (entry: Entry) => readonly Digest[];
}

/** An entry whose file is not what the index says. */
export interface WrongFile {
  readonly key: Key;
  /** In a few words. */
  readonly problem: string;
  /** Whether it was thrown out. */
  readonly repaired: boolean;
}

/** How far verifying is. */
export interface Verified {
  /** Entries looked at. */
  readonly checked: number;
  /** Of those, how many were compared by their digest as well. */
  readonly hashed: number;
  /** Bytes read. */
  readonly bytes: number;
  readonly wrong: number;
  readonly repaired: number;
}

/**
 * Reads every cached file and compares it with its entry: whether it is there, can be read from
 * its first byte to its last, has its size, and has its digest where that is known.
 *
 * The storage may be in use. What is replaced or removed meanwhile is not wrong, nor is another
 * file that somebody has put in the place of one (an import, an rsync): that is adopted on first use.
 *
 * Yields each file that is wrong, and between them how far it is: after each file and, in a large
 * one, after each read. Returns what came of it; `signal` ends it early.
 *
 * @throws {StorageError} When the index cannot be read, or a file cannot be removed.
 */
export async function* verify(
  storage: VerifyStorage,
  options: VerifyOptions,
): AsyncGenerator<WrongFile | Verified, Verified> {
  const { prefix, repair, signal, digestsOf = digestByName } = options;
  const counts = { checked: 0, hashed: 0, bytes: 0, wrong: 0, repaired: 0 };
  for await (const entry of entriesBelow(storage, prefix)) {
    const digests = digestsOf(entry);
    let problem: string | null = null;
    const isOther = (): boolean => storage.isReplaced(entry);
    for await (const step of compare(storage.pathOf(entry), entry, { digests, isOther, signal })) {
      if (typeof step === "string") {
        problem = step;
        break;
      }
      counts.bytes += step;
      yield { ...counts };
    }
    if (signal.aborted) return { ...counts };
    counts.checked++;
    if (digests.length > 0) counts.hashed++;
    if (problem !== null && isStill(storage.find(entry.key), entry)) {
      const repaired = repair && await storage.remove(entry.key);
      counts.wrong++;
      if (repaired) counts.repaired++;
      yield { key: entry.key, problem, repaired };
    }
    yield { ...counts };
  }
  return { ...counts };
}

/** What the name of a file says of its bytes, as those in `by-hash` folders do. */
export function digestByName({ key }: Entry): readonly Digest[] {
  const sha256 = listedByName(key)?.sha256 ?? null;
  return sha256 === null ? [] : [{ algorithm: "sha256", value: sha256 }];
}

async function* entriesBelow(storage: VerifyStorage, prefix: string): AsyncGenerator<Entry> {
  // Behind all keys that come before the prefix; that key itself is looked at apart.
  const first = storage.find(prefix);
  if (first !== null) yield first;
  for (let after = prefix;;) {
    const page = storage.list(after, PAGE_ROWS);
    for (const { entry } of page) {
      if (!entry.key.startsWith(prefix)) return;
      yield entry;
      after = entry.key;
    }
    if (page.length < PAGE_ROWS) return;
    // The others' turn, also when all files are gone and nothing is read.
    await new Promise((resolve) => setTimeout(resolve));
  }
}

/** Yields the length of each read, and at last what is wrong. */
async function* compare(
  path: string,
  { key, size }: Entry,
  { digests, isOther, signal }: {
    readonly digests: readonly Digest[];
    readonly isOther: () => boolean;
    readonly signal: AbortSignal;
  },
): AsyncGenerator<number | string, void> {
  try {
    // Looked at first: to open a pipe would wait for a writer.
    const { isFile } = await Deno.stat(path);
    if (!isFile) return yield "is no file any more";
    using file = await Deno.open(path, { read: true });
    const digester = new ByteDigester(digests, key, path);
    const buffer = new Uint8Array(READ_BYTES);
    let read = 0;
    for (let count = await file.read(buffer); count !== null; count = await file.read(buffer)) {
      if (signal.aborted) return;
      read += count;
      digester.update(buffer.subarray(0, count));
      yield count;
      // It will not be what it should, however long it is.
      if (read > size) break;
    }
    if (read !== size && isOther()) return;
    if (read > size) return yield `has more than the ${size} bytes that it should have`;
    if (read < size) return yield `has ${read} of ${size} bytes`;
    if (digests.length > 0 && await digester.verdict() === "other") {
      yield "has another content than its name or the lists of digests say";
    }
  } catch (error) {
    yield problemOf(error);
  }
}

function problemOf(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "is missing";
  return `cannot be read: ${error instanceof Error ? error.message : error}`;
}

/** Whether the entry was neither replaced nor dropped since. */
function isStill(now: Entry | null, then: Entry): boolean {
  return now !== null && now.file === then.file && now.storedAt === then.storedAt &&
    now.size === then.size;
}
