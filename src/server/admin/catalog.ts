import type { ListedEntry } from "../../storage/entry_index.ts";
import type { Key } from "../../types.ts";

/** Entries that are read from the index at once, at most. */
const MAX_STEP_ROWS = 64;

/** Comes behind every text that a key goes on with. */
const BEHIND_ALL = "\u{10ffff}";

/** What a catalog reads. */
export interface Lister {
  /** So many entries behind a key, in the order of the keys. */
  list(after: Key, count: number): ListedEntry[];
}

/** What stands in a folder. */
export type CatalogItem =
  /** A folder in it, with its `/` at the end. */
  | { readonly kind: "folder"; readonly prefix: string }
  | { readonly kind: "entry"; readonly listed: ListedEntry };

/** A part of what stands in a folder. */
export interface CatalogPage {
  readonly items: readonly CatalogItem[];
  /** Where the next part goes on; null: there is none. */
  readonly cursor: string | null;
}

/**
 * What is cached below a prefix, a folder at a time: keys that go on without a `/` in their path,
 * and of all others what they have in common up to it. Folders are skipped over, so that the work
 * is that of the items, however much is in the folders.
 *
 * @param cursor Of the page before; null: from the beginning.
 * @param limit Items, at least 1.
 * @throws {StorageError} When the index cannot be read.
 */
export function catalogPage(
  lister: Lister,
  prefix: string,
  cursor: string | null,
  limit: number,
): CatalogPage {
  const items: CatalogItem[] = [];
  let after = cursor ?? beforeAll(prefix);
  for (let rows = 1;;) {
    const page = lister.list(after, rows);
    let skipped = false;
    for (const listed of page) {
      const { key } = listed.entry;
      if (!key.startsWith(prefix)) return { items, cursor: null };
      if (items.length === limit) return { items, cursor: after };
      const folder = folderOf(key, prefix);
      items.push(
        folder === null ? { kind: "entry", listed } : { kind: "folder", prefix: folder },
      );
      after = folder === null ? key : folder + BEHIND_ALL;
      skipped = folder !== null;
      if (skipped) break;
    }
    if (page.length < rows && !skipped) return { items, cursor: null };
    // Beside a folder there is often another one: then all other rows would be read in vain.
    rows = skipped ? 1 : Math.min(rows * 2, MAX_STEP_ROWS);
  }
}

/** What a key has up to the next `/` of its path behind the prefix; null when there is none. */
function folderOf(key: Key, prefix: string): string | null {
  const slash = key.indexOf("/", prefix.length);
  const query = key.indexOf("?");
  // A slash of the query separates nothing.
  return slash === -1 || (query !== -1 && query < slash) ? null : key.slice(0, slash + 1);
}

/**
 * A text before all keys with a prefix, that key included which is the prefix itself, and behind all
 * keys that come before those.
 *
 * @param prefix Of ASCII characters, not empty.
 */
export function beforeAll(prefix: string): string {
  const last = prefix.charCodeAt(prefix.length - 1);
  return prefix.slice(0, -1) + String.fromCharCode(last - 1) + BEHIND_ALL;
}
