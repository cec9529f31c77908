import { getLogger } from "@logtape/logtape";
import { basename, join } from "@std/path";
import { z } from "zod";
import { HIDDEN_FOLDER, OVERFLOW_FOLDER } from "../decide/tree_path.ts";
import { StorageError } from "../errors.ts";
import type { Entry, Instant } from "../types.ts";
import type { DataDirectory } from "./data_directory.ts";
import { adoptedEntry } from "./adopted_entry.ts";
import { type FileIdentity, identify } from "./file_identity.ts";
import { isGone, storageFailure } from "./storage_failure.ts";

/** Mirrors the overflow folder: for each file a note under the same name and `.json`. */
export const NOTES_FOLDER = `${HIDDEN_FOLDER}/notes`;

/** Far more than the header fields that the platform lets an answer have. */
const MAX_NOTE_BYTES = 1024 * 1024;

const FIELDS = z.array(z.tuple([z.string(), z.string()]));

const ENTRY = z.object({
  key: z.string(),
  status: z.number(),
  file: z.string(),
  size: z.number(),
  etag: z.string().nullable(),
  lastModified: z.number().nullable(),
  headers: FIELDS,
  upstream: z.string().nullable(),
  storedAt: z.number(),
  requestedAt: z.number(),
  validatedAt: z.number(),
  vary: FIELDS,
}) satisfies z.ZodType<Entry>;

/** An entry, and the time of its file, by which the file is known again without the index. */
const NOTE = z.object({ entry: ENTRY, modifiedAt: z.number() });

const log = getLogger(["cache-proxy", "storage"]);

/** A note that is written and waits for its file. What was not put in place is removed. */
export interface PreparedNote extends AsyncDisposable {
  /** Removes the note of the file that is about to be replaced. Synchronous, like `put`. */
  withdraw(): void;
  /** Puts the note in place. Never throws: without it the file is worth less, and no less right. */
  put(): void;
}

const NO_NOTE: PreparedNote = {
  withdraw() {},
  put() {},
  async [Symbol.asyncDispose]() {},
};

/**
 * What the index holds for files in the overflow folder, kept a second time beside them: their names
 * are hashes, so without it nobody could tell whose bytes they are once the index is lost. Files in
 * the tree need none, since their place tells their key.
 */
export class OverflowNotes {
  readonly #directory: DataDirectory;

  constructor(directory: DataDirectory) {
    this.#directory = directory;
  }

  /**
   * Writes the note of an entry that is about to be published; does nothing for one in the tree.
   *
   * @throws {StorageError} When it cannot be written.
   */
  async prepare(entry: Entry, { modifiedAt }: FileIdentity): Promise<PreparedNote> {
    if (!isOverflow(entry.file)) return NO_NOTE;
    const file = noteOf(entry.file);
    const folder = await this.#directory.makeFolderOf(file);
    if (folder === null) {
      throw new StorageError("storage-failed", `Cannot place "${file}": no folder can hold it`);
    }
    const path = join(this.#directory.partialFolder, `note.${crypto.randomUUID()}`);
    try {
      await Deno.writeTextFile(path, JSON.stringify({ entry, modifiedAt }), { createNew: true });
    } catch (error) {
      await Deno.remove(path).catch(() => {});
      throw storageFailure(`write "${path}"`, error);
    }
    return new WrittenNote(path, join(folder, basename(file)));
  }

  /** Whether the note of an entry is there and fits. */
  async has({ file, key }: Entry, identity: FileIdentity): Promise<boolean> {
    const note = await this.#read(file);
    return note !== null && note.entry.key === key && fits(note, identity);
  }

  /**
   * What can be said of a file in the overflow folder that the index does not know. null when nobody
   * can tell whose bytes they are, or how they would have to be served: the note is missing, or the
   * file was changed by hand and its note says more than that it is a plain file.
   *
   * @throws {StorageError} When the file system fails.
   */
  async recall(file: string, info: Deno.FileInfo, now: Instant): Promise<Entry | null> {
    const identity = identify(info);
    const note = await this.#read(file);
    if (identity === null || note === null) return null;
    if (fits(note, identity)) return note.entry;
    return isPlain(note.entry) ? adoptedEntry(note.entry.key, file, info, now) : null;
  }

  /**
   * Removes the note of a file that has gone; does nothing for one in the tree. Synchronous, so that
   * it never meets the note of the next file. Never throws: a note too many does no harm.
   */
  drop(file: string): void {
    if (!isOverflow(file)) return;
    const path = this.#directory.resolve(noteOf(file));
    try {
      Deno.removeSync(path);
    } catch (error) {
      if (!isGone(error)) log.warn("Cannot remove note {path}: {error}", { path, error });
    }
  }

  async #read(file: string): Promise<z.infer<typeof NOTE> | null> {
    const path = noteOf(file);
    const info = await this.#directory.inspect(path);
    if (info === null || info.size > MAX_NOTE_BYTES) return null;
    let text: string;
    try {
      text = await Deno.readTextFile(this.#directory.resolve(path));
    } catch (error) {
      if (isGone(error)) return null;
      throw storageFailure(`read "${path}"`, error);
    }
    const note = parseNote(text);
    return note?.entry.file === file ? note : null;
  }
}

/** Whether a file of the data directory is in the overflow folder. */
export function isOverflow(file: string): boolean {
  return file.startsWith(`${OVERFLOW_FOLDER}/`);
}

/** Where the note of a file in the overflow folder is. */
export function noteOf(file: string): string {
  return `${NOTES_FOLDER}${file.slice(OVERFLOW_FOLDER.length)}.json`;
}

/** The file that a note is about; null when the name is not that of a note. */
export function notedFile(note: string): string | null {
  const isNote = note.startsWith(`${NOTES_FOLDER}/`) && note.endsWith(".json");
  return isNote ? OVERFLOW_FOLDER + note.slice(NOTES_FOLDER.length, -".json".length) : null;
}

/**
 * Whether a file at the place of the key tells by itself how it is to be served. Only such an entry
 * may be in the tree: an error's body, or one that was packed, would be adopted as what it is not.
 */
export function isPlain(entry: Pick<Entry, "status" | "headers" | "vary">): boolean {
  const isEncoded = entry.headers.some(([name]) => name === "content-encoding");
  return entry.status === 200 && entry.vary.length === 0 && !isEncoded;
}

class WrittenNote implements PreparedNote {
  readonly #path: string;
  readonly #target: string;
  #isPut = false;

  constructor(path: string, target: string) {
    this.#path = path;
    this.#target = target;
  }

  withdraw(): void {
    try {
      Deno.removeSync(this.#target);
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }

  put(): void {
    try {
      Deno.renameSync(this.#path, this.#target);
      this.#isPut = true;
    } catch (error) {
      log.warn("Cannot keep note {path}: {error}", { path: this.#target, error });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isPut) return;
    try {
      await Deno.remove(this.#path);
    } catch (error) {
      if (!isGone(error)) log.warn("Cannot remove {path}: {error}", { path: this.#path, error });
    }
  }
}

/** A damaged note is none. */
function parseNote(text: string): z.infer<typeof NOTE> | null {
  try {
    return NOTE.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

function fits(note: z.infer<typeof NOTE>, identity: FileIdentity): boolean {
  // Not the inode: a copy of the whole data directory is as good.
  return note.entry.size === identity.size && note.modifiedAt === identity.modifiedAt;
}
