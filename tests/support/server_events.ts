/** One server-sent event, its data read as JSON. */
export interface SeenEvent {
  readonly name: string;
  // deno-lint-ignore no-explicit-any
  readonly data: any;
}

/** The events of an answer, as they come; to stop before the end cancels it. */
export async function* serverEvents(response: Response): AsyncGenerator<SeenEvent, void> {
  let text = "";
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk;
    const events = text.split("\n\n");
    text = events.pop() ?? "";
    for (const event of events) {
      const [, name, data] = /^event: (.*)\ndata: (.*)$/.exec(event) ?? [];
      if (name !== undefined && data !== undefined) yield { name, data: JSON.parse(data) };
    }
  }
}

/** Reads on to the first event that fits; the generator can be read on. */
export async function nextEvent(
  events: AsyncGenerator<SeenEvent, void>,
  fits: (event: SeenEvent) => boolean,
): Promise<SeenEvent> {
  for (;;) {
    const { done, value } = await events.next();
    if (done) throw new Error("The events have ended before the one that the test waits for");
    if (fits(value)) return value;
  }
}
