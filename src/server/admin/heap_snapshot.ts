/**
 * All that is in memory, as the `.heapsnapshot` JSON that the tools of Chromium read. The runtime
 * stands still while it is taken, for seconds where the heap is large, and needs several times the
 * heap's memory: V8 gives the snapshot in one piece.
 */
export async function takeHeapSnapshot(): Promise<ReadableStream<Uint8Array>> {
  // Hardly anybody needs it.
  const { getHeapSnapshot } = await import("node:v8");
  return ReadableStream.from<Uint8Array>(getHeapSnapshot());
}
