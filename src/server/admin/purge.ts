import type { Key } from "../../types.ts";
import type { Storage } from "../../storage/storage.ts";
import { beforeAll, type Lister } from "./catalog.ts";

/** Entries that are read from the index at once. */
const STEP_ROWS = 100;

/** What removing takes. */
export type PurgeStorage = Lister & Pick<Storage, "remove" | "variantsOf">;

/** What was removed. */
export interface Purged {
  /** Entries, each variant being one. */
  readonly removed: number;
  /** Whether that is all; not when it was stopped. */
  readonly complete: boolean;
}

/**
 * Removes what is stored of a key, variants included, a file included that the index does not know.
 * Who reads it reads on.
 *
 * @throws {StorageError} When a file cannot be removed.
 */
export async function purgeKey(storage: PurgeStorage, key: Key): Promise<Purged> {
  let removed = 0;
  for (const variant of [...storage.variantsOf(key), key]) {
    if (await storage.remove(variant)) removed++;
  }
  return { removed, complete: true };
}

/**
 * Removes all that the index has below a prefix, in small steps. What comes into the cache meanwhile
 * may stay.
 *
 * @param signal Stops it within one file.
 * @throws {StorageError} When a file cannot be removed; those before it are gone.
 */
export async function purgePrefix(
  storage: PurgeStorage,
  prefix: string,
  signal: AbortSignal,
): Promise<Purged> {
  let removed = 0;
  let after = beforeAll(prefix);
  for (;;) {
    const keys = storage.list(after, STEP_ROWS).map(({ entry }) => entry.key);
    for (const key of keys) {
      if (!key.startsWith(prefix)) return { removed, complete: true };
      if (signal.aborted) return { removed, complete: false };
      if (await storage.remove(key)) removed++;
      after = key;
    }
    if (keys.length < STEP_ROWS) return { removed, complete: true };
  }
}
