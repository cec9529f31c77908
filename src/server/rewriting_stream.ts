import type { LinkRewriter } from "../decide/links/link_rewriter.ts";

/** A body on its way through a rewriter. One that breaks off breaks off here, too. */
export function rewritingStream(
  body: ReadableStream<Uint8Array>,
  rewriter: LinkRewriter,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let isCancelled = false;
  return new ReadableStream<Uint8Array>({
    async pull(controller): Promise<void> {
      for (;;) {
        const { done, value } = await reader.read();
        if (isCancelled) return;
        const bytes = done ? rewriter.end() : rewriter.push(value);
        if (bytes.byteLength > 0) controller.enqueue(bytes);
        if (done) return controller.close();
        if (bytes.byteLength > 0) return;
      }
    },
    async cancel(reason): Promise<void> {
      isCancelled = true;
      await reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
}
