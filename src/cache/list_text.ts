import { Buffer } from "node:buffer";
import type { Transform } from "node:stream";
import zlib from "node:zlib";
import xz from "xz-decompress";

/** Bytes of one read. */
const READ_BYTES = 64 * 1024;

/** First bytes of what is compressed. Names of files by their hash do not say how. */
const MAGIC: readonly (readonly [kind: Kind, bytes: readonly number[]])[] = [
  // RFC 1952 section 2.3.1.
  ["gzip", [0x1f, 0x8b]],
  // https://tukaani.org/xz/xz-file-format.txt section 2.1.1.1.
  ["xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  // RFC 8878 section 3.1.1.
  ["zstd", [0x28, 0xb5, 0x2f, 0xfd]],
  ["bzip2", [0x42, 0x5a, 0x68]],
];

type Kind = "plain" | "gzip" | "xz" | "zstd" | "bzip2" | "br";

/**
 * The bytes of a list, unpacked whatever it is packed with, in pieces. The file is not closed.
 *
 * @param encoding As in `Content-Encoding`; null: none was given.
 * @throws {Error} When it cannot be unpacked.
 */
export async function* listBytes(
  file: Deno.FsFile,
  encoding: string | null,
): AsyncGenerator<Uint8Array, void> {
  const first = await read(file);
  if (first === null) return;
  const kind = encoding === "br" ? "br" : kindOf(first);
  switch (kind) {
    case "plain":
      yield first;
      yield* rest(file);
      return;
    case "gzip":
      return yield* transformed(zlib.createGunzip(), first, file);
    case "br":
      return yield* transformed(zlib.createBrotliDecompress(), first, file);
    case "zstd":
      return yield* transformed(zlib.createZstdDecompress(), first, file);
    case "xz":
      return yield* unxz(first, file);
    case "bzip2":
      throw new Error("bzip2 is not read");
  }
}

function kindOf(bytes: Uint8Array): Kind {
  const found = MAGIC.find(([, magic]) => magic.every((byte, at) => bytes[at] === byte));
  return found?.[0] ?? "plain";
}

async function read(file: Deno.FsFile): Promise<Uint8Array<ArrayBuffer> | null> {
  const buffer = new Uint8Array(READ_BYTES);
  const count = await file.read(buffer);
  return count === null ? null : buffer.subarray(0, count);
}

async function* rest(file: Deno.FsFile): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  for (let chunk = await read(file); chunk !== null; chunk = await read(file)) yield chunk;
}

async function* transformed(
  transform: Transform,
  first: Uint8Array,
  file: Deno.FsFile,
): AsyncGenerator<Uint8Array, void> {
  const feeding = feed(transform, first, file);
  try {
    for await (const chunk of transform) yield chunk as Buffer;
    await feeding;
  } finally {
    transform.destroy();
    await feeding.catch(() => {});
  }
}

/** Never more ahead than the transform takes. */
async function feed(transform: Transform, first: Uint8Array, file: Deno.FsFile): Promise<void> {
  let isOver = false;
  let wake = (): void => {};
  for (const event of ["drain", "close", "error"] as const) {
    transform.on(event, () => {
      if (event !== "drain") isOver = true;
      wake();
    });
  }
  try {
    for (
      let chunk: Uint8Array | null = first;
      chunk !== null && !isOver;
      chunk = await read(file)
    ) {
      if (transform.write(chunk) || isOver) continue;
      await new Promise<void>((resolve) => wake = resolve);
    }
    if (!isOver) transform.end();
  } catch (error) {
    transform.destroy(error instanceof Error ? error : new Error(String(error)));
  }
}

async function* unxz(first: Uint8Array, file: Deno.FsFile): AsyncGenerator<Uint8Array, void> {
  const packed = rest(file);
  const source = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(first),
    pull: async (controller) => {
      const { value, done } = await packed.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });
  yield* new xz.XzReadableStream(source);
}
