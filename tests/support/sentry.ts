import type { Answerer } from "./origin.ts";
import { Origin } from "./origin.ts";

/** An event that does not come fails the test, in place of its waiting for ever. */
const MAX_WAIT_MS = 20_000;

/** One event of an envelope. */
export type SentryEvent = Readonly<Record<string, unknown>>;

/** A place on loopback that takes envelopes as Sentry does. */
export class FakeSentry implements AsyncDisposable {
  /** The texts of all envelopes. */
  readonly envelopes: string[] = [];
  readonly origin: Origin;
  #change = Promise.withResolvers<void>();
  readonly #overdue = Promise.withResolvers<never>();

  constructor() {
    const answer: Answerer = async (_, raw) => {
      this.envelopes.push(await raw.text());
      this.#change.resolve();
      this.#change = Promise.withResolvers<void>();
      return Response.json({});
    };
    this.origin = new Origin(answer);
  }

  /** What to set `SENTRY_DSN` to. */
  get dsn(): string {
    return this.origin.url.replace("//", "//publickey@") + "/42";
  }

  /** The events so far: an envelope is lines of JSON, the event after the line that says so. */
  get events(): SentryEvent[] {
    return this.envelopes.flatMap((text) => {
      const lines = text.trim().split("\n").map((line) => JSON.parse(line));
      return lines.flatMap((line, at) => lines[at - 1]?.type === "event" ? [line] : []);
    });
  }

  /** The first event, past or to come, that fits; rejects when none comes. */
  async event(fits: (event: SentryEvent) => boolean): Promise<SentryEvent> {
    const overdue = setTimeout(() => this.#overdue.reject(new Error("No such event")), MAX_WAIT_MS);
    try {
      for (;;) {
        const found = this.events.find(fits);
        if (found !== undefined) return found;
        await Promise.race([this.#change.promise, this.#overdue.promise]);
      }
    } finally {
      clearTimeout(overdue);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.origin[Symbol.asyncDispose]();
  }
}
