import type { Body } from "./resumable_body.ts";

/**
 * A body for one reader, past the disk: nothing is read before the reader asks.
 *
 * @param onEnd Called once, at the end of the body, its failure, which is then told, or when the reader
 * gives up.
 * @param onBytes Told of all that is handed out.
 */
export function passingStream(
  body: Body,
  onEnd: (failure?: unknown) => void,
  onBytes: (bytes: number) => void = () => {},
): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    async pull(controller): Promise<void> {
      try {
        const chunk = await body.read();
        if (chunk !== null) {
          onBytes(chunk.byteLength);
          return controller.enqueue(chunk);
        }
        controller.close();
        onEnd();
      } catch (error) {
        onEnd(error);
        throw error;
      }
    },
    cancel(): void {
      body.cancel();
      onEnd();
    },
  }, { highWaterMark: 0 });
}
