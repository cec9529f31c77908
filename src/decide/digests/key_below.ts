import type { Key } from "../../types.ts";
import { keyOfPath } from "../key_of_path.ts";
import { parseTarget } from "../parse_target.ts";

/** Characters that a key holds as they are. */
const PLAIN = /^[\w.~!$&'()*+,;=:@/-]+$/;

const ODD_SEGMENT = /(?:^|\/)(?:\.{0,2})(?:\/|$)/;

/** A `./` before a name means nothing. */
const HERE = /^(?:\.\/)+/;

/**
 * The key of a file by the name that it has in a list: a path as it is, nothing in it escaped. null
 * when no key can be one of it.
 *
 * @param folder A key that ends in a slash.
 */
export function keyBelow(folder: Key, name: string): Key | null {
  const plain = name.replace(HERE, "");
  if (PLAIN.test(plain) && !ODD_SEGMENT.test(plain)) return folder + plain;
  const relative = decodeFolder(folder);
  return relative === null ? null : keyOfPath(relative + plain);
}

/** The key of a path with escapes, as in a URL; null when we would refuse it. */
export function keyOfUrlPath(path: string): Key | null {
  if (PLAIN.test(path) && !ODD_SEGMENT.test(path.slice(1))) return path;
  const parsed = parseTarget(`http://localhost${path}`, null);
  return parsed.kind === "target" ? parsed.target.key : null;
}

/** The folder that a key's file is in, with the slash at its end. */
export function folderOf(key: Key): Key {
  return key.slice(0, key.lastIndexOf("/") + 1);
}

/** What stands before the last such folder in a key, with a slash; null when it is in no such one. */
export function folderBefore(key: Key, folder: string): Key | null {
  const at = key.lastIndexOf(`/${folder}/`);
  return at === -1 ? null : key.slice(0, at + 1);
}

function decodeFolder(folder: Key): string | null {
  try {
    return decodeURIComponent(folder.slice(1));
  } catch {
    return null;
  }
}
