import type { FileSet, Listed } from "../types.ts";
import { fitsGlob } from "./fits_glob.ts";

/** A name that tells what is in the file: no other content ever has it. */
const NAMED_BY_CONTENT = /(?:^|[^0-9a-f])[0-9a-f]{32,128}(?:[^0-9a-f][^/]*)?$/i;

/** https://wiki.debian.org/DebianRepository/Format#indices_acquisition_via_hashsums_.28by-hash.29 */
const BY_SHA256 = /\/by-hash\/SHA256\/([0-9a-f]{64})$/;

/** Where a path stands among the sets of files that belong together. */
export interface Place {
  /** Names the set; the same for all of its files. */
  readonly set: string;
  readonly role: "anchor" | "member";
  /** Where the set's anchors are if they lie where the set's name ends, in order of preference. */
  readonly anchors: readonly string[];
}

/**
 * The set that a canonical path belongs to: the first whose expression matches. null: to none.
 */
export function placeInSets(path: string, sets: readonly FileSet[]): Place | null {
  for (const [index, { match, anchors }] of sets.entries()) {
    const name = match.capture(path);
    if (name === null) continue;
    const head = path.slice(0, path.indexOf(name) + name.length);
    const file = path.slice(path.lastIndexOf("/") + 1);
    return {
      set: `${index} ${name}`,
      role: anchors.some((anchor) => fitsGlob(file, anchor)) ? "anchor" : "member",
      anchors: anchors.flatMap((anchor) => anchorPath(head, anchor)),
    };
  }
  return null;
}

/**
 * Whether a file's name says what is in it. Such a file fits every state of its set, and never
 * changes.
 */
export function isNamedByContent(path: string): boolean {
  return NAMED_BY_CONTENT.test(path.slice(path.lastIndexOf("/") + 1));
}

/** What the path itself says of its file's bytes; null when it says nothing that can be checked. */
export function listedByName(path: string): Listed | null {
  const sha256 = BY_SHA256.exec(path)?.[1];
  return sha256 === undefined ? null : { sha256, size: null };
}

/** The name by which an anchor lists a file: relative to its own folder. null: it lies elsewhere. */
export function nameBelow(anchorPath: string, path: string): string | null {
  const folder = anchorPath.slice(0, anchorPath.lastIndexOf("/") + 1);
  return path.startsWith(folder) ? decodeURIComponent(path.slice(folder.length)) : null;
}

/** A set may be named by its folder, or by what stands for the `*` of its anchor. */
function anchorPath(head: string, glob: string): string[] {
  const [first = "", ...others] = glob.split("*");
  if (others.length === 0) return [head.endsWith("/") ? head + glob : `${head}/${glob}`];
  const last = others[0] ?? "";
  return first === "" && others.length === 1 && !head.endsWith("/") ? [head + last] : [];
}
