import type { Key } from "../types.ts";
import { parseTarget } from "./parse_target.ts";
import { treePath } from "./tree_path.ts";

/** All but unreserved, sub-delims, `:`, `@` and `/`: what a key holds escaped (RFC 3986 section 3.3). */
const TO_ENCODE = /[^\w.~!$&'()*+,;=:@/-]+/gu;

/**
 * The key whose file belongs at a place in the tree: the inverse of {@linkcode treePath}. null when
 * there is none, since no request could ask for it or its file would belong elsewhere.
 *
 * @param path Relative to the data directory, with `/`.
 */
export function keyOfPath(path: string): Key | null {
  if (!path.isWellFormed()) return null;
  const key = "/" + path.replace(TO_ENCODE, encodeURIComponent);
  // Both are asked, so that this function can never say more than they do.
  const parsed = parseTarget(`http://localhost${key}`, null);
  if (parsed.kind === "refused" || parsed.target.key !== key) return null;
  const place = treePath(key);
  return place.kind === "tree" && place.path === path ? key : null;
}
