import { basename, join } from "@std/path";
import { overflowPath } from "../decide/tree_path.ts";
import { StorageError } from "../errors.ts";
import type { Entry, Key } from "../types.ts";
import type { IndexedFile } from "./entry_index.ts";
import type { FileIdentity } from "./file_identity.ts";
import { isPlain, type PreparedNote } from "./overflow_notes.ts";
import { placesOf } from "./places_of.ts";
import type { Reservation } from "./reservation.ts";
import { diskBytes, type Space } from "./space.ts";
import type { EntryFacts } from "./storage.ts";
import { isUnfit, storageFailure } from "./storage_failure.ts";
import type { TakingParts } from "./take_entry.ts";

/** What publishing takes. */
export interface PublishingParts extends TakingParts {
  readonly space: Space;
}

/** A finished file in the hidden folder. */
export interface FinishedFile {
  readonly key: Key;
  /** Absolute. */
  readonly path: string;
  readonly identity: FileIdentity;
  readonly facts: EntryFacts;
  /** Ends when the file counts as published. */
  readonly reservation: Reservation;
}

/** Where a finished file goes. */
interface Move {
  readonly from: string;
  readonly to: string;
  readonly note: PreparedNote;
}

/**
 * Puts a finished file where its key belongs, and its entry into the index. Resolves when the file
 * that it replaces has gone; the bytes of that one count until then.
 *
 * @throws {StorageError} Nothing has changed then.
 */
export async function publish(finished: FinishedFile, parts: PublishingParts): Promise<Entry> {
  const { key, path, identity, facts, reservation } = finished;
  const { directory, index, notes } = parts;
  for (const file of isPlain(facts) ? placesOf(key) : [overflowPath(key)]) {
    const folder = await directory.makeFolderOf(file);
    if (folder === null) continue;
    const target = join(folder, basename(file));
    const entry = newEntry(key, file, identity.size, facts);
    await using note = await notes.prepare(entry, identity);
    const held = await directory.hold(target);
    let replaced: Entry | null = null;
    try {
      const old = index.find(key);
      if (!replace(old, { entry, identity }, { from: path, to: target, note }, parts)) continue;
      replaced = old?.entry ?? null;
      reservation.end();
    } finally {
      // Still in the same turn, so that the old bytes count on.
      await removeReplaced(replaced, file, held, parts);
    }
    return entry;
  }
  throw new StorageError("storage-failed", `Cannot place "${key}": no path can hold it`);
}

/**
 * Index and file change without a pause between them, so that nobody in this process sees one
 * without the other. The row comes first: when it cannot be written, nothing has happened yet.
 *
 * @returns Whether the path can hold the file.
 */
function replace(
  old: IndexedFile | null,
  fresh: IndexedFile,
  { from, to, note }: Move,
  { index, system }: PublishingParts,
): boolean {
  index.replace(fresh);
  try {
    note.withdraw();
    system.rename(from, to);
    note.put();
    return true;
  } catch (error) {
    if (old === null) index.drop(fresh);
    else index.replace(old);
    if (isUnfit(error)) return false;
    throw storageFailure(`rename "${from}" to "${to}"`, error);
  }
}

/** @param held The second name of what stood in the place of the new file. */
async function removeReplaced(
  old: Entry | null,
  file: string,
  held: string | null,
  { directory, notes, trash, space }: PublishingParts,
): Promise<void> {
  const bytes = old === null ? 0 : diskBytes(old.size);
  const removals: Promise<unknown>[] = [];
  if (held !== null) removals.push(trash.remove(held, old?.file === file ? bytes : 0));
  if (old !== null && old.file !== file) {
    notes.drop(old.file);
    const end = space.leave(bytes);
    removals.push(directory.remove(old.file).then(end));
  }
  await Promise.all(removals);
}

/** The entry of a file that is published under a key. */
export function newEntry(key: Key, file: string, size: number, facts: EntryFacts): Entry {
  const { lastModified, storedAt } = facts;
  return {
    key,
    status: facts.status,
    file,
    size,
    etag: facts.etag,
    lastModified: lastModified === null ? null : Math.floor(lastModified / 1000) * 1000,
    headers: facts.headers,
    upstream: facts.upstream,
    storedAt,
    requestedAt: facts.requestedAt,
    validatedAt: facts.receivedAt,
    vary: facts.vary,
  };
}
