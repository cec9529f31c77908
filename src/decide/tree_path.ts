import { createHash } from "node:crypto";
import type { Key } from "../types.ts";

/** Folder of the data directory that holds our own state; no URL path is stored in it. */
export const HIDDEN_FOLDER = ".cache-proxy";

/** Where files are that the plain tree cannot hold; {@linkcode overflowPath} names them. */
export const OVERFLOW_FOLDER = `${HIDDEN_FOLDER}/overflow`;

/** NAME_MAX of the usual file systems. */
const MAX_NAME_BYTES = 255;

/** PATH_MAX (4096) less room for the data directory. */
const MAX_PATH_BYTES = 3000;

/** Why the plain tree cannot hold a key. */
export type OverflowReason =
  | "query"
  | "variant"
  | "slash-end"
  | "empty-segment"
  | "name-too-long"
  | "path-too-long"
  | "not-utf8"
  | "reserved";

/** Where the bytes of a key belong: a path relative to the data directory, with `/`. */
export type TreePath =
  | { readonly kind: "tree"; readonly path: string }
  | { readonly kind: "overflow"; readonly path: string; readonly reason: OverflowReason };

/**
 * Where the file of a key belongs. A path in the tree is the percent-decoded path of the key, so two
 * keys never share one; what the tree cannot hold gets {@linkcode overflowPath}. Whatever the key,
 * the result stays below the data directory.
 *
 * @param key Canonical, as `parseTarget` makes it.
 */
export function treePath(key: Key): TreePath {
  if (key.includes("?")) return overflow(key, "query");
  // One of several answers under one path (`variantKey`).
  if (key.includes("\n")) return overflow(key, "variant");
  const path = decode(key.slice(1));
  if (path === null) return overflow(key, "not-utf8");
  const reason = findReason(path);
  return reason === null ? { kind: "tree", path } : overflow(key, reason);
}

/**
 * The place of a key outside the plain tree, for a key that {@linkcode treePath} cannot place and
 * for one whose place is taken (a file stands where a folder is needed). It ends in the extension
 * of the key's path, where that is short and plain, so that the content type can be guessed.
 */
export function overflowPath(key: Key): string {
  const hash = createHash("sha256").update(key).digest("hex");
  const [path = ""] = key.split(/[?\n]/);
  const extension = /[^/](\.[A-Za-z0-9]{1,10})$/.exec(path)?.[1] ?? "";
  return `${OVERFLOW_FOLDER}/${hash.slice(0, 2)}/${hash}${extension}`;
}

function overflow(key: Key, reason: OverflowReason): TreePath {
  return { kind: "overflow", path: overflowPath(key), reason };
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

function findReason(path: string): OverflowReason | null {
  // `parseTarget` lets neither of them through, nor a dot segment. A second look costs little, and
  // keys of variants have a line feed: nobody could tell from the tree whose they are.
  if (/[\0\n]/.test(path)) return "reserved";
  const segments = path.split("/");
  if (segments.at(-1) === "") return "slash-end";
  if (segments.includes("")) return "empty-segment";
  if (segments[0] === HIDDEN_FOLDER) return "reserved";
  if (segments.includes(".") || segments.includes("..")) return "reserved";
  if (isLonger(path, MAX_PATH_BYTES)) return "path-too-long";
  if (segments.some((segment) => isLonger(segment, MAX_NAME_BYTES))) return "name-too-long";
  return null;
}

/** Whether a text has more bytes in UTF-8, which has no more than 3 for each unit of UTF-16. */
function isLonger(text: string, bytes: number): boolean {
  return text.length * 3 > bytes && new TextEncoder().encode(text).length > bytes;
}
