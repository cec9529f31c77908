import { type FilePart, shortFile } from "../../storage/read_file.ts";

/** Bytes of one read, by how many files are being sent: large ones are faster, memory is bounded. */
const SIZES: readonly (readonly [most: number, bytes: number])[] = [
  [4, 1024 * 1024],
  [32, 256 * 1024],
  [Infinity, 128 * 1024],
];

/**
 * While no more than so many parts are sent, one that fits into a single buffer of so many bytes is
 * read at once: each read is a step through the system's threads.
 */
const MAX_SINGLE = 16;
const MAX_SINGLE_BYTES = 1024 * 1024;

/** Buffers of one size that are kept for the next file. */
const MAX_FREE = 8;

const free = new Map<number, Uint8Array<ArrayBuffer>[]>();
let sending = 0;

/**
 * Reads a part of a file and hands it on, reading ahead by one buffer. Closes the file.
 *
 * @param write Resolves when the bytes may be overwritten; rejects to end it.
 * @throws {StorageError} When the file ends early; what `write` rejects with.
 */
export async function sendFile(
  { open, start, end }: FilePart,
  write: (bytes: Uint8Array) => Promise<void>,
): Promise<void> {
  using opened = open;
  const { file } = opened;
  sending++;
  const size = sizeFor(end - start);
  const a = takeBuffer(size);
  // What fits into one buffer needs no second one.
  const b = end - start > size ? takeBuffer(size) : a;
  let ahead: Promise<number | null> | null = null;
  try {
    file.seekSync(start, Deno.SeekMode.Start);
    let [filled, other] = [a, b];
    let position = start;
    ahead = file.read(filled.subarray(0, Math.min(size, end - position)));
    while (position < end) {
      const count = await ahead;
      ahead = null;
      if (count === null || count === 0) throw shortFile(position, end);
      position += count;
      const bytes = filled.subarray(0, count);
      [filled, other] = [other, filled];
      if (position < end) ahead = file.read(filled.subarray(0, Math.min(size, end - position)));
      await write(bytes);
    }
    opened.giveBack?.();
  } finally {
    // The buffer is the read's until it has ended, and the file is too.
    await ahead?.catch(() => {});
    sending--;
    giveBuffer(a);
    if (b !== a) giveBuffer(b);
  }
}

function sizeFor(bytes: number): number {
  if (bytes <= MAX_SINGLE_BYTES && sending <= MAX_SINGLE) return MAX_SINGLE_BYTES;
  return SIZES.find(([most]) => sending <= most)?.[1] ?? 0;
}

function takeBuffer(bytes: number): Uint8Array<ArrayBuffer> {
  return free.get(bytes)?.pop() ?? new Uint8Array(bytes);
}

function giveBuffer(buffer: Uint8Array<ArrayBuffer>): void {
  const kept = free.get(buffer.byteLength) ?? [];
  if (kept.length < MAX_FREE) kept.push(buffer);
  free.set(buffer.byteLength, kept);
}
