import { type ReadableFile, shortFile } from "../../storage/read_file.ts";

/** Bytes of one read, by how many files are being sent: large ones are faster, memory is bounded. */
const SIZES: readonly (readonly [most: number, bytes: number])[] = [
  [4, 1024 * 1024],
  [16, 512 * 1024],
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

/** Bytes that stay for those who are a little behind, of all files together. */
const KEPT_BYTES = 4 * 1024 * 1024;

/** Some bytes of a file, of all who send them. */
export class Piece {
  /** Those who send it, and the read. */
  users = 2;

  /**
   * @param start Offset in the file.
   * @param end The same; exclusive.
   * @param filled Settles when the bytes are there, or cannot be read.
   */
  constructor(
    readonly start: number,
    readonly end: number,
    readonly buffer: Uint8Array<ArrayBuffer>,
    readonly filled: Promise<void>,
    readonly file: SharedFile,
  ) {}

  /** To be called once by each who has taken it. */
  letGo(): void {
    if (--this.users > 0) return;
    const { senders, pieces } = this.file;
    if (senders <= 1 || !pieces.includes(this)) {
      forget(this);
      return giveBuffer(this.buffer);
    }
    kept.push(this);
    keptBytes += this.buffer.byteLength;
    while (keptBytes > KEPT_BYTES && kept[0] !== undefined) drop(kept[0]);
  }
}

/** One file as all see it who send it now. */
interface SharedFile {
  /** Null where it has no other senders. */
  readonly version: string | null;
  readonly pieces: Piece[];
  senders: number;
}

const shared = new Map<string, SharedFile>();
const free = new Map<number, Uint8Array<ArrayBuffer>[]>();
/** Of nobody; the first was let go first. */
const kept: Piece[] = [];
let keptBytes = 0;
let sending = 0;

/**
 * The pieces of a file for one who sends it. Several who send the same file at about the same place
 * have each piece read once: half of the cost of a byte is to get it from the system.
 */
export class FilePieces {
  readonly #file: Deno.FsFile;
  readonly #end: number;
  /** Of the part. */
  readonly #bytes: number;
  readonly #shared: SharedFile;
  #position = -1;
  #reading: Promise<void> | null = null;

  /** @param end Exclusive; what is behind it is not read. */
  constructor({ file, version }: ReadableFile, start: number, end: number) {
    this.#file = file;
    this.#end = end;
    this.#bytes = end - start;
    const isShared = version !== undefined && this.#bytes > MAX_SINGLE_BYTES;
    this.#shared = sharedFile(isShared ? version : null);
    this.#shared.senders++;
    sending++;
  }

  /** What has the byte at `position`; it may begin before it. Whoever takes it lets it go. */
  take(position: number): Piece {
    const held = this.#shared.pieces.find(({ start, end }) => start <= position && position < end);
    if (held === undefined) return this.#read(position);
    if (held.users++ === 0) unkeep(held);
    return held;
  }

  /** Resolves when nothing is read from the file any more. To be called once. */
  async end(): Promise<void> {
    await this.#reading;
    sending--;
    const { version } = this.#shared;
    const others = --this.#shared.senders;
    // Nobody is behind any more.
    if (others <= 1) {
      for (const it of kept.filter(({ file }) => file === this.#shared)) drop(it);
    }
    if (others === 0 && version !== null) shared.delete(version);
  }

  #read(start: number): Piece {
    const size = sizeFor(this.#bytes);
    // At such bounds those meet who began elsewhere.
    const bound = this.#shared.version === null ? start + size : start - start % size + size;
    const end = Math.min(bound, this.#end);
    const buffer = takeBuffer(size);
    const filled = this.#fill(buffer.subarray(0, end - start), start);
    const piece = new Piece(start, end, buffer, filled, this.#shared);
    this.#shared.pieces.push(piece);
    this.#reading = filled.catch(() => forget(piece)).finally(() => piece.letGo());
    return piece;
  }

  async #fill(bytes: Uint8Array, start: number): Promise<void> {
    if (this.#position !== start) this.#file.seekSync(start, Deno.SeekMode.Start);
    this.#position = start;
    for (let filled = 0; filled < bytes.byteLength;) {
      const count = await this.#file.read(bytes.subarray(filled));
      if (count === null || count === 0) throw shortFile(start + filled, start + bytes.byteLength);
      filled += count;
      this.#position += count;
    }
  }
}

function sharedFile(version: string | null): SharedFile {
  const found = version === null ? undefined : shared.get(version);
  if (found !== undefined) return found;
  const file = { version, pieces: [], senders: 0 };
  if (version !== null) shared.set(version, file);
  return file;
}

function unkeep(piece: Piece): void {
  kept.splice(kept.indexOf(piece), 1);
  keptBytes -= piece.buffer.byteLength;
}

function drop(piece: Piece): void {
  unkeep(piece);
  forget(piece);
  giveBuffer(piece.buffer);
}

/** From now on nobody takes it. */
function forget(piece: Piece): void {
  const { pieces } = piece.file;
  const at = pieces.indexOf(piece);
  if (at !== -1) pieces.splice(at, 1);
}

function sizeFor(bytes: number): number {
  if (bytes <= MAX_SINGLE_BYTES && sending <= MAX_SINGLE) return MAX_SINGLE_BYTES;
  return SIZES.find(([most]) => sending <= most)?.[1] ?? 0;
}

function takeBuffer(bytes: number): Uint8Array<ArrayBuffer> {
  return free.get(bytes)?.pop() ?? new Uint8Array(bytes);
}

function giveBuffer(buffer: Uint8Array<ArrayBuffer>): void {
  const buffers = free.get(buffer.byteLength) ?? [];
  if (buffers.length < MAX_FREE) buffers.push(buffer);
  free.set(buffer.byteLength, buffers);
}
