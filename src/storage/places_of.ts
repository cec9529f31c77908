import { overflowPath, treePath } from "../decide/tree_path.ts";
import type { Key } from "../types.ts";

/** Where the file of a key may be, best first. */
export function placesOf(key: Key): string[] {
  const place = treePath(key);
  return place.kind === "tree" ? [place.path, overflowPath(key)] : [place.path];
}
