import { STRICT_HEADERS } from "./admin_answer.ts";

/** How often something is sent where nothing happens, so that nobody in between gives up. */
const HEARTBEAT_MS = 15_000;

/** One server-sent event. */
export interface ServerEvent {
  readonly name: string;
  /** Sent as JSON. */
  readonly data: unknown;
}

/**
 * An answer of server-sent events (HTML Living Standard, section 9.2). An event is taken from the
 * source only when the client has taken the one before, so nothing queues up here; when the client
 * leaves, the source is returned from.
 *
 * @param source Ends the answer when it ends. What it throws breaks the answer off.
 */
export function eventStream(source: AsyncIterable<ServerEvent>): Response {
  const encoder = new TextEncoder();
  const iterator = source[Symbol.asyncIterator]();
  let heartbeat: ReturnType<typeof setInterval> | null = null;
  const stop = (): void => {
    if (heartbeat !== null) clearInterval(heartbeat);
    heartbeat = null;
  };
  const body = new ReadableStream<Uint8Array>({
    start(controller): void {
      heartbeat = setInterval(() => {
        if ((controller.desiredSize ?? 0) > 0) controller.enqueue(encoder.encode(":\n\n"));
      }, HEARTBEAT_MS);
    },
    async pull(controller): Promise<void> {
      try {
        const { done, value } = await iterator.next();
        if (done) {
          stop();
          return controller.close();
        }
        const text = `event: ${value.name}\ndata: ${JSON.stringify(value.data)}\n\n`;
        controller.enqueue(encoder.encode(text));
      } catch (error) {
        stop();
        throw error;
      }
    },
    async cancel(): Promise<void> {
      stop();
      await iterator.return?.();
    },
  }, { highWaterMark: 1 });
  return new Response(body, {
    status: 200,
    headers: { ...STRICT_HEADERS, "content-type": "text/event-stream" },
  });
}
