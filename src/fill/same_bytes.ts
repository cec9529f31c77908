import type { PartialFile, Storage } from "../storage/storage.ts";
import type { BodyHead, Entry } from "../types.ts";

/** Longer files are not compared: a mirror that has them knows a date or an ETag. */
const MAX_COMPARED_BYTES = 16 * 1024 * 1024;

/** Of each file at a time. */
const READ_BYTES = 128 * 1024;

/**
 * Whether an upstream has sent again what is stored from it already, as one does that knows of no
 * conditions. What cannot be read is taken for different.
 */
export async function isSameAsStored(
  file: PartialFile,
  head: BodyHead,
  known: Entry | null,
  storage: Pick<Storage, "open">,
): Promise<boolean> {
  if (known === null || known.upstream !== head.upstream || known.status !== head.status) {
    return false;
  }
  if (known.size !== file.written || known.size > MAX_COMPARED_BYTES) return false;
  if (JSON.stringify(known.vary) !== JSON.stringify(head.vary)) return false;
  try {
    using stored = await storage.open(known);
    if (stored === null) return false;
    using fresh = await Deno.open(file.path);
    return await isSameContent(stored.file, fresh, known.size);
  } catch {
    return false;
  }
}

async function isSameContent(one: Deno.FsFile, other: Deno.FsFile, size: number): Promise<boolean> {
  const length = Math.min(READ_BYTES, size);
  const [left, right] = [new Uint8Array(length), new Uint8Array(length)];
  for (let at = 0; at < size;) {
    const wanted = Math.min(length, size - at);
    const [a, b] = [left.subarray(0, wanted), right.subarray(0, wanted)];
    if (!await fill(one, a) || !await fill(other, b)) return false;
    if (!a.every((byte, index) => byte === b[index])) return false;
    at += wanted;
  }
  return true;
}

async function fill(file: Deno.FsFile, into: Uint8Array<ArrayBuffer>): Promise<boolean> {
  for (let at = 0; at < into.length;) {
    const read = await file.read(into.subarray(at));
    if (read === null) return false;
    at += read;
  }
  return true;
}
