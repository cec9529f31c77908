import type { LogRecord } from "@logtape/logtape";
import type { Clock, Instant } from "../types.ts";

/** Messages of a kind that are written in a window of time; what is beyond is counted. */
const MAX_IN_WINDOW = 10;

/** Length of a window, in milliseconds. It begins with the first message of its kind. */
export const WINDOW_MS = 60_000;

/** Kinds that are counted at once; beyond it the oldest is forgotten, and would be written again. */
const MAX_KINDS = 256;

/** What tells troubles apart; paths, sizes and times are of each request. */
const KEY_FACTS = ["upstream", "code", "kind", "what", "warning"] as const;

/** Of a fact, in UTF-16 units. */
const MAX_FACT_UNITS = 80;

interface Kind {
  readonly since: Instant;
  count: number;
  /** The newest of those that were not written. */
  leftOut: LogRecord | null;
}

/**
 * Keeps a trouble that comes with every request from filling the log. Of warnings and errors with
 * the same message template and the same key facts ten a minute are passed on; then one line tells
 * how many were left out. What is less important is news each time, and is passed on.
 */
export class RepeatLimiter {
  readonly #pass: (record: LogRecord) => void;
  readonly #clock: Clock;
  readonly #kinds = new Map<string, Kind>();
  #cancelTimer: (() => void) | null = null;

  constructor(pass: (record: LogRecord) => void, clock: Clock) {
    this.#pass = pass;
    this.#clock = clock;
  }

  /** Passes the record on, or counts it. */
  take(record: LogRecord): void {
    if (record.level !== "warning" && record.level !== "error") return this.#pass(record);
    const name = nameOf(record);
    const known = this.#kinds.get(name);
    if (known !== undefined && this.#isOpen(known)) {
      known.count++;
      if (known.count <= MAX_IN_WINDOW) return this.#pass(record);
      known.leftOut = record;
      this.#cancelTimer ??= this.#clock.after(WINDOW_MS, () => this.#tellOver());
      return;
    }
    this.#end(name, known);
    this.#kinds.set(name, { since: this.#clock.now(), count: 1, leftOut: null });
    this.#pass(record);
    if (this.#kinds.size <= MAX_KINDS) return;
    const [oldest] = this.#kinds;
    if (oldest !== undefined) this.#end(...oldest);
  }

  /** Tells of all that was left out, and begins anew. */
  flush(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    for (const [name, kind] of this.#kinds) this.#end(name, kind);
  }

  #isOpen({ since }: Kind): boolean {
    const age = this.#clock.now() - since;
    // A clock that was set back must not keep us silent.
    return age >= 0 && age < WINDOW_MS;
  }

  #tellOver(): void {
    this.#cancelTimer = null;
    for (const [name, kind] of this.#kinds) {
      if (!this.#isOpen(kind)) this.#end(name, kind);
    }
    const isWaiting = [...this.#kinds.values()].some(({ leftOut }) => leftOut !== null);
    if (isWaiting) this.#cancelTimer = this.#clock.after(WINDOW_MS, () => this.#tellOver());
  }

  #end(name: string, kind: Kind | undefined): void {
    this.#kinds.delete(name);
    if (kind === undefined || kind.leftOut === null) return;
    const { leftOut } = kind;
    const count = kind.count - MAX_IN_WINDOW;
    const [text = "", ...rest] = leftOut.message;
    this.#pass({
      ...leftOut,
      timestamp: this.#clock.now(),
      message: ["", count, ` more like this were left out: ${text}`, ...rest],
      properties: { ...leftOut.properties, leftOut: count },
    });
  }
}

function nameOf({ level, category, rawMessage, properties }: LogRecord): string {
  const facts = KEY_FACTS.map((name) => factOf(properties[name]));
  // Numbers in a reason are sizes and times, as a rule: `silent for 10000 ms`.
  facts.push(factOf(properties["reason"]).replace(/\d+/g, "0"));
  const { error } = properties;
  if (error instanceof Error) facts.push("code" in error ? factOf(error.code) : error.name);
  return [level, category.join("."), rawMessage, ...facts].join("\0");
}

function factOf(value: unknown): string {
  return typeof value === "string" ? value.slice(0, MAX_FACT_UNITS) : "";
}
