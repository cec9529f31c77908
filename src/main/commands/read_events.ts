/** A longer line of an event is none of ours: 10,000 paths of 8 KiB would take that much. */
const MAX_LINE_UNITS = 32 * 1024 * 1024;

/** A server-sent event. */
export interface ReadEvent {
  readonly name: string;
  /** Parsed from JSON. */
  readonly data: unknown;
}

/**
 * Server-sent events (HTML Living Standard, section 9.2) as the admin listener writes them: each
 * has a name and one line of JSON.
 *
 * @param onSign Called when anything has come, also what only shows that the other side lives.
 * @throws {Error} When it is none, or the connection breaks.
 */
export async function* readEvents(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  onSign: () => void,
): AsyncGenerator<ReadEvent, void> {
  let name = "";
  for await (const line of readLines(body, onSign)) {
    if (line.startsWith("event: ")) name = line.slice("event: ".length);
    else if (line.startsWith("data: ")) {
      yield { name, data: JSON.parse(line.slice("data: ".length)) };
    }
  }
}

async function* readLines(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  onSign: () => void,
): AsyncGenerator<string, void> {
  let rest = "";
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    onSign();
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > MAX_LINE_UNITS) throw new Error("a line of an event is too long");
    yield* lines;
  }
}
