import { LocalStorage, type LocalStorageOptions } from "../../src/storage/local_storage.ts";
import type { EntryFacts, OpenEntry, PartialFile, Storage } from "../../src/storage/storage.ts";
import type { Clock, Entry, Instant, Key, Limits } from "../../src/types.ts";
import { NO_LIMITS } from "../support/no_limits.ts";

/** An instant with milliseconds, so that what is cut to the second shows. */
export const NOW: Instant = Date.UTC(2024, 4, 6, 7, 8, 9, 123);

export const FACTS: EntryFacts = {
  etag: '"v1"',
  lastModified: Date.UTC(2023, 0, 2, 3, 4, 5),
  headers: [["content-type", "text/plain"], ["cache-control", "max-age=1"]],
  upstream: "first",
  status: 200,
  requestedAt: NOW,
  receivedAt: NOW,
  vary: [],
  storedAt: NOW,
};

/** A directory that is removed at the end of its scope. */
export class TemporaryDirectory implements AsyncDisposable {
  private constructor(readonly path: string) {}

  static async make(): Promise<TemporaryDirectory> {
    // Without links in it, so that paths compare.
    return new TemporaryDirectory(await Deno.realPath(await Deno.makeTempDir()));
  }

  /** The names of files and folders in a folder, sorted; empty when there is no such folder. */
  list(folder = ""): string[] {
    try {
      return [...Deno.readDirSync(`${this.path}/${folder}`)].map((item) => item.name).sort();
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

/** A local storage over a directory of its own, both gone at the end of the scope. */
export class TemporaryStorage implements AsyncDisposable {
  private constructor(
    readonly directory: TemporaryDirectory,
    readonly data: string,
    public storage: LocalStorage,
    readonly options: LocalStorageOptions,
  ) {}

  static async open(
    system: LocalStorageOptions["system"] = {},
    limits: Partial<Limits> = {},
  ): Promise<TemporaryStorage> {
    const directory = await TemporaryDirectory.make();
    const data = `${directory.path}/data`;
    const options = {
      path: data,
      temporaryFilePattern: "temp.*",
      limits: { ...NO_LIMITS, ...limits },
      system,
    };
    return new TemporaryStorage(directory, data, await LocalStorage.open(options), options);
  }

  /** Closes and opens again, as a restart does. `between` runs while it is closed. */
  async restart(between: () => void | Promise<void> = () => {}): Promise<LocalStorage> {
    this.storage.close();
    await between();
    return this.storage = await LocalStorage.open(this.options);
  }

  /** Forgets what the index knows. */
  async restartWithoutIndex(): Promise<LocalStorage> {
    return await this.restart(() => Deno.remove(`${this.data}/.cache-proxy/index.db`));
  }

  /** Names of unfinished files. */
  partials(): string[] {
    return this.directory.list("data/.cache-proxy/partial");
  }

  /** Puts a file in the tree as another program would. */
  async put(file: string, text: string, modifiedAt: Instant = NOW): Promise<void> {
    const path = `${this.data}/${file}`;
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(path, text);
    await Deno.utime(path, modifiedAt / 1000, modifiedAt / 1000);
  }

  read(file: string): string {
    return Deno.readTextFileSync(`${this.data}/${file}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.storage.close();
    await this.directory[Symbol.asyncDispose]();
  }
}

/** A clock that stands still; `fire` lets all timers run out. */
export class HeldClock implements Clock {
  readonly #callbacks = new Set<() => void>();

  constructor(public instant: Instant = NOW) {}

  get timers(): number {
    return this.#callbacks.size;
  }

  now(): Instant {
    return this.instant;
  }

  after(_ms: number, callback: () => void): () => void {
    this.#callbacks.add(callback);
    return () => this.#callbacks.delete(callback);
  }

  fire(): void {
    for (const callback of [...this.#callbacks]) {
      this.#callbacks.delete(callback);
      callback();
    }
  }
}

export function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** Stores a text under a key. */
export async function store(
  storage: Storage,
  key: Key,
  text: string,
  facts: Partial<EntryFacts> = {},
): Promise<Entry> {
  await using partial: PartialFile = await storage.create(key, null);
  await partial.write(bytes(text));
  return await partial.commit({ ...FACTS, ...facts });
}

/** The bytes of an entry as text; null when it cannot be opened. */
export async function readEntry(storage: Storage, entry: Entry): Promise<string | null> {
  using open = await storage.open(entry);
  return open === null ? null : await readOpen(open);
}

/** The bytes of an open entry from its beginning; it stays open. */
export async function readOpen({ entry, file }: OpenEntry): Promise<string> {
  await file.seek(0, Deno.SeekMode.Start);
  const buffer = new Uint8Array(entry.size + 1);
  let length = 0;
  for (let count: number | null = 0; count !== null; length += count) {
    count = await file.read(buffer.subarray(length));
    if (count === null || count === 0) break;
  }
  return new TextDecoder().decode(buffer.subarray(0, length));
}
