import type { Clock } from "../types.ts";

/**
 * A larger body goes out as it comes in, with the chunked coding: the platform takes no declared
 * length for a stream, and some servers take no chunked requests.
 */
const HELD_BODY_BYTES = 1024 * 1024;

/** How long a client may send nothing of a body that is waited for. */
export interface Patience {
  readonly stallTimeoutMs: number;
  readonly clock: Pick<Clock, "after">;
}

/**
 * The body of a client's request, in the form in which it can be sent on: a small one whole, so that
 * its length is declared; null when there is none.
 *
 * @param body The platform gives a stream for every request, with a body or without.
 * @param declared Bytes that the client has declared; null when it has not.
 * @throws {Error} When the client leaves before it has sent what is waited for, or sends nothing of
 * it for too long.
 */
export async function requestBody(
  body: ReadableStream<Uint8Array> | null,
  declared: number | null,
  patience: Patience,
): Promise<ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer> | null> {
  if (body === null || (declared !== null && declared > HELD_BODY_BYTES)) return body;
  const reader = body.getReader();
  if (declared !== null) return await readAll(reader, patience);
  // Whether there is anything shows when the first of it has come, or the end.
  for (;;) {
    const { done, value } = await readSoon(reader, patience);
    if (done) return null;
    // The platform gives an empty piece where there is nothing.
    if (value.byteLength > 0) return resumed(value, reader);
  }
}

async function readAll(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  patience: Patience,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  for (;;) {
    const { done, value } = await readSoon(reader, patience);
    if (done) return await new Blob(chunks).bytes();
    chunks.push(value as Uint8Array<ArrayBuffer>);
  }
}

/** One read that does not wait for ever. */
async function readSoon(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  { clock, stallTimeoutMs }: Patience,
): Promise<ReadableStreamReadResult<Uint8Array>> {
  let isLate = false;
  const cancel = clock.after(stallTimeoutMs, () => {
    isLate = true;
    void reader.cancel().catch(() => {});
  });
  try {
    const result = await reader.read();
    // A read that is cancelled looks like the end.
    if (isLate) throw new Error(`Cannot read a request: nothing came in ${stallTimeoutMs} ms`);
    return result;
  } finally {
    cancel();
  }
}

/** A stream of which the first chunk has been read. */
function resumed(
  first: Uint8Array,
  reader: ReadableStreamDefaultReader<Uint8Array>,
): ReadableStream<Uint8Array> {
  let next: Uint8Array | null = first;
  return new ReadableStream<Uint8Array>({
    async pull(controller): Promise<void> {
      if (next !== null) {
        controller.enqueue(next);
        next = null;
        return;
      }
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel(reason): Promise<void> {
      await reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
}
