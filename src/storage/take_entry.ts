import { join } from "@std/path";
import type { DataDirectory } from "./data_directory.ts";
import type { EntryIndex, IndexedFile } from "./entry_index.ts";
import { identify, sameFile } from "./file_identity.ts";
import type { LocalSystem } from "./local_system.ts";
import type { OverflowNotes } from "./overflow_notes.ts";
import { diskBytes } from "./space.ts";
import { isGone, isUnfit, storageFailure } from "./storage_failure.ts";
import type { Trash } from "./trash.ts";

/** What taking an entry away takes. */
export interface TakingParts {
  readonly directory: DataDirectory;
  readonly index: EntryIndex;
  readonly notes: OverflowNotes;
  readonly trash: Trash;
  readonly system: LocalSystem;
}

/**
 * Takes an entry out of the index and its file out of the tree.
 *
 * In one turn the file is moved into the hidden folder and the row dropped, so that nobody adopts the
 * file, and none that is published in its place is removed for it. Then the file is removed, however
 * long that takes: the promise resolves when it has gone, and never rejects. Its bytes count until
 * then.
 *
 * @param force Whether to take whatever stands in the file's place. Otherwise a file that was changed
 * by hand stays, and only the entry goes.
 * @throws {StorageError} At once, when file or index cannot be changed; both are as before then.
 */
export function takeEntry(
  indexed: IndexedFile,
  { directory, index, notes, trash, system }: TakingParts,
  { force }: { readonly force: boolean },
): Promise<void> {
  const path = directory.resolve(indexed.entry.file);
  const away = join(directory.partialFolder, `evicted.${crypto.randomUUID()}`);
  const isMoved = mayTake(path, indexed, force) && moveAway(system, path, away);
  try {
    index.drop(indexed);
  } catch (error) {
    if (isMoved) system.rename(away, path);
    throw error;
  }
  notes.drop(indexed.entry.file);
  return isMoved ? trash.remove(away, diskBytes(indexed.entry.size)) : Promise.resolve();
}

function mayTake(path: string, { identity }: IndexedFile, force: boolean): boolean {
  try {
    const found = Deno.lstatSync(path);
    if (force) return !found.isDirectory;
    const identified = identify(found);
    return identified !== null && sameFile(identified, identity);
  } catch (error) {
    if (isGone(error)) return false;
    throw storageFailure(`look at "${path}"`, error);
  }
}

/** Whether there was a file. */
function moveAway(system: LocalSystem, path: string, away: string): boolean {
  try {
    system.rename(path, away);
    return true;
  } catch (error) {
    // Either of the two may be missing: without our own folder nothing can be moved there.
    if (isGone(error) && !isThere(path)) return false;
    // Another file system is mounted there: no detour then.
    if (isUnfit(error) && !isGone(error)) return removeHere(path);
    throw storageFailure(`move "${path}" to "${away}"`, error);
  }
}

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    return !isGone(error);
  }
}

function removeHere(path: string): false {
  try {
    Deno.removeSync(path);
    return false;
  } catch (error) {
    throw storageFailure(`remove "${path}"`, error);
  }
}
