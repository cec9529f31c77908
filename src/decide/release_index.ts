import type { Listed } from "../types.ts";

/** A line of the list: digest, size in bytes, name. */
const LISTED = /^ +([0-9a-f]{64}) +(\d{1,15}) +(\S.*?)\s*$/;

/** Names of the files that have this form. */
const RELEASE = /(?:^|\/)(?:In)?Release$/;

/** Whether a file of this name is an index of apt's. */
export function isReleaseName(path: string): boolean {
  return RELEASE.test(path);
}

/**
 * What a `Release` or an `InRelease` of apt says of the files of its suite, by their names relative
 * to its own folder. null when it lists none by SHA-256.
 *
 * https://wiki.debian.org/DebianRepository/Format#MD5Sum.2C_SHA1.2C_SHA256
 */
export function parseReleaseIndex(text: string): ReadonlyMap<string, Listed> | null {
  const files = new Map<string, Listed>();
  let isInList = false;
  for (const line of text.split("\n")) {
    if (!line.startsWith(" ")) {
      isInList = /^SHA256:\s*$/i.test(line);
      continue;
    }
    const [, sha256, size, name] = (isInList ? LISTED.exec(line) : null) ?? [];
    if (sha256 === undefined || name === undefined) continue;
    files.set(name, { sha256, size: Number(size) });
  }
  return files.size === 0 ? null : files;
}
