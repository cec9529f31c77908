import type { Body } from "./resumable_body.ts";

/**
 * A body for one reader, past the disk: nothing is read before the reader asks.
 *
 * @param onEnd Called once, at the end of the body, its failure or when the reader gives up.
 */
export function passingStream(body: Body, onEnd: () => void): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    async pull(controller): Promise<void> {
      try {
        const chunk = await body.read();
        if (chunk !== null) return controller.enqueue(chunk);
        controller.close();
        onEnd();
      } catch (error) {
        onEnd();
        throw error;
      }
    },
    cancel(): void {
      body.cancel();
      onEnd();
    },
  }, { highWaterMark: 0 });
}
