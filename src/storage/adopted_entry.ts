import { typeByExtension } from "@std/media-types";
import { extname } from "@std/path/posix";
import type { Entry, Instant, Key } from "../types.ts";

/**
 * What can be said of a file that nobody has told us about.
 *
 * A time of modification in the future is taken for none: as Last-Modified it would make every
 * upstream's answer look older than the file. The time of the last change of the inode is when the
 * file came to be here, the best evidence of its age.
 *
 * @param file Where it is, relative to the data directory.
 */
export function adoptedEntry(key: Key, file: string, info: Deno.FileInfo, now: Instant): Entry {
  const modifiedAt = info.mtime?.getTime() ?? Infinity;
  const changedAt = (info.ctime ?? info.mtime)?.getTime() ?? 0;
  const storedAt = Math.min(changedAt, now);
  // An extension such as `.gz` is the type of the file here and never a Content-Encoding: the bytes
  // are passed on as they are, and a client that asked for an archive wants the archive.
  const type = typeByExtension(extname(file));
  return {
    key,
    status: 200,
    file,
    size: info.size,
    etag: null,
    lastModified: modifiedAt > now ? null : Math.floor(modifiedAt / 1000) * 1000,
    headers: type === undefined ? [] : [["content-type", type]],
    upstream: null,
    storedAt,
    requestedAt: storedAt,
    validatedAt: storedAt,
    vary: [],
  };
}
