import { variantKeyPrefix } from "../../decide/vary.ts";
import type { Cache } from "../../cache/cache.ts";
import type { Key } from "../../types.ts";
import type { Storage } from "../../storage/storage.ts";
import { beforeAll, type Lister } from "./catalog.ts";

/** Entries that are read from the index at once. */
const STEP_ROWS = 100;

/** What removing takes. */
export type PurgeStorage = Lister & Pick<Storage, "remove" | "variantsOf">;

/** What keeps what is under way from coming back. */
export type PurgeCache = Pick<Cache, "disown">;

/** What was removed. */
export interface Purged {
  /** Entries, each variant being one. */
  readonly removed: number;
  /** Whether that is all; not when it was stopped. */
  readonly complete: boolean;
}

/**
 * Removes what is stored of a key, variants included, a file included that the index does not know.
 * Who reads it reads on. What is being downloaded is not stored, remembered errors are forgotten.
 *
 * @throws {StorageError} When a file cannot be removed.
 */
export async function purgeKey(
  storage: PurgeStorage,
  cache: PurgeCache,
  key: Key,
): Promise<Purged> {
  let removed = 0;
  await cache.disown((it) => it === key || it.startsWith(variantKeyPrefix(key)));
  for (const variant of [...storage.variantsOf(key), key]) {
    if (await storage.remove(variant)) removed++;
  }
  return { removed, complete: true };
}

/**
 * Removes all that the index has below a prefix, in small steps. What was being downloaded is not
 * stored; what is asked for meanwhile may stay.
 *
 * @param signal Stops it within one file.
 * @throws {StorageError} When a file cannot be removed; those before it are gone.
 */
export async function purgePrefix(
  storage: PurgeStorage,
  cache: PurgeCache,
  prefix: string,
  signal: AbortSignal,
): Promise<Purged> {
  let removed = 0;
  await cache.disown((key) => key.startsWith(prefix));
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
