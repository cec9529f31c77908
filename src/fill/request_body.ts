/**
 * A larger body goes out as it comes in, with the chunked coding: the platform takes no declared
 * length for a stream, and some servers take no chunked requests.
 */
const HELD_BODY_BYTES = 1024 * 1024;

/**
 * The body of a client's request, in the form in which it can be sent on: a small one whole, so that
 * its length is declared; null when there is none.
 *
 * @param body The platform gives a stream for every request, with a body or without.
 * @param declared Bytes that the client has declared; null when it has not.
 * @throws {Error} When the client leaves before it has sent what is waited for.
 */
export async function requestBody(
  body: ReadableStream<Uint8Array> | null,
  declared: number | null,
): Promise<ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer> | null> {
  if (body === null) return null;
  if (declared !== null) {
    return declared <= HELD_BODY_BYTES ? await new Response(body).bytes() : body;
  }
  // Whether there is anything shows when the first of it has come, or the end.
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return null;
    // The platform gives an empty piece where there is nothing.
    if (value.byteLength > 0) return resumed(value, reader);
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
