import { overflowPath, treePath } from "../decide/tree_path.ts";
import type { Key } from "../types.ts";

/**
 * Where the file of a key may be, best first.
 *
 * @param hasOverflow Whether files lie aside at all: their names are digests, 10 µs each.
 */
export function placesOf(key: Key, hasOverflow = true): string[] {
  const place = treePath(key);
  return place.kind === "tree" && hasOverflow ? [place.path, overflowPath(key)] : [place.path];
}
