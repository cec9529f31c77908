import { StorageError } from "../errors.ts";
import type { Entry } from "../types.ts";
import { storageFailure } from "./storage_failure.ts";

/** Bytes of one read, and so of one chunk: faster than both smaller ones and `FsFile.readable`. */
const READ_BYTES = 256 * 1024;

/**
 * The bytes from `start` up to but without `endExclusive`, as a byte stream that reads when it is
 * read. The file is closed exactly once: at the end, on an error or when the stream is cancelled.
 * Whoever neither reads to the end nor cancels leaves it open.
 *
 * The stream fails with a {@linkcode StorageError} when the file ends early: a short file never
 * looks like a short success.
 *
 * @param open Used by this stream alone from now on, which disposes of it.
 */
export function fileStream(
  open: Disposable & { readonly file: Deno.FsFile },
  start: number,
  endExclusive: number,
): ReadableStream<Uint8Array> {
  const { file } = open;
  let position = start;
  let ended = false;

  function end(): void {
    if (ended) return;
    ended = true;
    open[Symbol.dispose]();
  }

  return new ReadableStream({
    type: "bytes",
    autoAllocateChunkSize: READ_BYTES,
    start(controller) {
      try {
        file.seekSync(start, Deno.SeekMode.Start);
      } catch (error) {
        end();
        throw storageFailure(`read from byte ${start}`, error);
      }
      if (start < endExclusive) return;
      controller.close();
      end();
    },
    async pull(controller) {
      try {
        const request = controller.byobRequest;
        const view = request?.view;
        if (!request || !view) throw new Error("the stream offers no buffer");
        const length = Math.min(view.byteLength, endExclusive - position);
        const count = await file.read(new Uint8Array(view.buffer, view.byteOffset, length));
        // The reader has gone away meanwhile, and its buffer with it.
        if (ended) return;
        if (count === null || count === 0) throw shortFile(position, endExclusive);
        position += count;
        request.respond(count);
        if (position < endExclusive) return;
        controller.close();
        end();
      } catch (error) {
        if (ended) return;
        end();
        throw storageFailure(`read at byte ${position}`, error);
      }
    },
    cancel: end,
  });
}

/**
 * The bytes from `start` up to but without `end`, all at once.
 *
 * @throws {StorageError} When the file cannot be read, or ends early.
 */
export async function readBytes(
  file: Deno.FsFile,
  start: number,
  end: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(end - start);
  let filled = 0;
  try {
    // At once: it touches no disk, and a step through the system's threads takes as long as the read.
    file.seekSync(start, Deno.SeekMode.Start);
    while (filled < bytes.byteLength) {
      const count = await file.read(bytes.subarray(filled));
      if (count === null) throw shortFile(start + filled, end);
      filled += count;
    }
    return bytes;
  } catch (error) {
    throw storageFailure(`read at byte ${start + filled}`, error);
  }
}

/** What a reader has of an open file. */
export interface ReadableFile extends Disposable {
  readonly file: Deno.FsFile;
  /** Where it is the file of one: others may open it as well. */
  readonly entry?: Entry;
  /** As `versionOf` names it. Whoever has a file of the same name may read it for all of them. */
  readonly version?: string;
  /** As in `OpenEntry`. */
  giveBack?(): void;
}

/** A part of an open file, to be read by one reader, who disposes of the file. */
export class FilePart {
  /**
   * @param open `entry` where it is the file of one: others may open it as well.
   * @param end Exclusive.
   */
  constructor(
    readonly open: ReadableFile,
    readonly start: number,
    readonly end: number,
  ) {}
}

/** What reading a file fails with that is shorter than it was. */
export function shortFile(position: number, endExclusive: number): StorageError {
  return new StorageError(
    "storage-failed",
    `Cannot read up to byte ${endExclusive}: the file ends at byte ${position}`,
  );
}
