/** The lines of a text, without their ends, as they come in. */
export async function* readLines(bytes: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of bytes.pipeThrough(new TextDecoderStream() as TextTransform)) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}

/** The platform's type asks for a buffer that is not shared; a stream's chunks are none. */
type TextTransform = ReadableWritablePair<string, Uint8Array>;
