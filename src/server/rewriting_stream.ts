import { joined, type LinkRewriter } from "../decide/links/link_rewriter.ts";

/** Bytes that are rewritten in one turn: a page may be nothing but links, of which each costs some µs. */
const PIECE_BYTES = 32 * 1024;

/** How long others wait for their turn at most, in milliseconds, unless one piece takes longer. */
const TURN_MS = 8;

/** A body on its way through a rewriter. One that breaks off breaks off here, too. */
export function rewritingStream(
  body: ReadableStream<Uint8Array>,
  rewriter: LinkRewriter,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  const pace = new Pace();
  let rest = new Uint8Array();
  let isCancelled = false;
  return new ReadableStream<Uint8Array>({
    async pull(controller): Promise<void> {
      for (;;) {
        if (rest.byteLength === 0) {
          const { done, value } = await reader.read();
          if (isCancelled) return;
          if (done) {
            const end = rewriter.end();
            if (end.byteLength > 0) controller.enqueue(end);
            return controller.close();
          }
          // A copy: whoever reads a file may use the buffer again, and this one is used later.
          rest = value.slice();
        }
        const bytes = rewriter.push(rest.subarray(0, PIECE_BYTES));
        rest = rest.subarray(PIECE_BYTES);
        await pace.breathe();
        if (isCancelled) return;
        if (bytes.byteLength > 0) return controller.enqueue(bytes);
      }
    },
    async cancel(reason): Promise<void> {
      isCancelled = true;
      await reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
}

/** The same for a body that is there as a whole. */
export async function rewrittenBody(
  body: Uint8Array,
  rewriter: LinkRewriter,
): Promise<Uint8Array> {
  const pace = new Pace();
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < body.byteLength; at += PIECE_BYTES) {
    pieces.push(rewriter.push(body.subarray(at, at + PIECE_BYTES)));
    await pace.breathe();
  }
  return joined([...pieces, rewriter.end()]);
}

/** Lets others have their turn, now and then. */
class Pace {
  #since = performance.now();

  async breathe(): Promise<void> {
    if (performance.now() - this.#since < TURN_MS) return;
    await new Promise<void>((resolve) => setTimeout(resolve));
    this.#since = performance.now();
  }
}
