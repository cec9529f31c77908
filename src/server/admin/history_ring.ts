/** What is kept of one span of time. */
export interface HistoryValues {
  /** Answers to clients. */
  readonly requests: number;
  /** Those of them that came from the cache. */
  readonly hits: number;
  readonly bytesToClients: number;
  readonly bytesFromUpstreams: number;
  /** What the cache took of the disk at the end. */
  readonly cacheBytes: number;
}

/** The columns, in the order in which they are told. */
export const HISTORY_COLUMNS = [
  "requests",
  "hits",
  "bytesToClients",
  "bytesFromUpstreams",
  "cacheBytes",
] as const satisfies readonly (keyof HistoryValues)[];

/** One column of a history: null where the proxy was not running. */
export type HistoryColumn = readonly (number | null)[];

/** A history as it is told: columns of equal length, the oldest first. */
export interface HistoryTable extends Readonly<Record<keyof HistoryValues, HistoryColumn>> {
  readonly stepSeconds: number;
  /** When each step began, in seconds since the epoch. */
  readonly time: readonly number[];
}

/** A step that was counted: its number since the epoch, then a value of each column. */
type Step = [number: number, ...values: number[]];

/** Counts over steps of equal length, the last so many of them. */
export class HistoryRing {
  readonly stepSeconds: number;
  readonly #steps: (Step | undefined)[];

  /** @param length Steps that are kept, at least 1. */
  constructor(stepSeconds: number, length: number) {
    this.stepSeconds = stepSeconds;
    this.#steps = new Array(length).fill(undefined);
  }

  /** Adds what happened around an instant, in milliseconds since the epoch. */
  add(at: number, values: HistoryValues): void {
    const step = this.#stepAt(this.#numberAt(at));
    HISTORY_COLUMNS.forEach((name, column) => {
      const before = name === "cacheBytes" ? 0 : step[column + 1] ?? 0;
      step[column + 1] = before + values[name];
    });
  }

  /** The steps up to that of an instant, that one included though it goes on. */
  table(now: number): HistoryTable {
    const last = this.#numberAt(now);
    const numbers = this.#steps.map((_, at) => last - this.#steps.length + 1 + at);
    const column = (name: keyof HistoryValues): HistoryColumn => {
      const index = HISTORY_COLUMNS.indexOf(name) + 1;
      return numbers.map((number) => this.#find(number)?.[index] ?? null);
    };
    return {
      stepSeconds: this.stepSeconds,
      time: numbers.map((number) => number * this.stepSeconds),
      requests: column("requests"),
      hits: column("hits"),
      bytesToClients: column("bytesToClients"),
      bytesFromUpstreams: column("bytesFromUpstreams"),
      cacheBytes: column("cacheBytes"),
    };
  }

  /** All steps, for `restore`. */
  toJSON(): readonly Step[] {
    return this.#steps.filter((step) => step !== undefined);
  }

  /**
   * Takes over what `toJSON` gave, of a ring with the same step.
   *
   * @throws {Error} When it is something else; then nothing is taken over.
   */
  restore(saved: unknown): void {
    if (!Array.isArray(saved)) throw new Error("a history is no list of steps");
    const wrong = saved.findIndex((step) => !isStep(step));
    if (wrong !== -1) throw new Error(`step ${wrong} of a history is none`);
    for (const step of saved.filter(isStep)) {
      const place = this.#placeOf(step[0]);
      if ((this.#steps[place]?.[0] ?? -1) < step[0]) this.#steps[place] = [...step];
    }
  }

  #numberAt(at: number): number {
    return Math.floor(at / 1000 / this.stepSeconds);
  }

  #placeOf(number: number): number {
    return number % this.#steps.length;
  }

  #find(number: number): Step | null {
    const step = this.#steps[this.#placeOf(number)];
    return step?.[0] === number ? step : null;
  }

  /** The step of that number; what was in its place is older, or of a clock that was ahead. */
  #stepAt(number: number): Step {
    const found = this.#find(number);
    if (found !== null) return found;
    const fresh: Step = [number, ...HISTORY_COLUMNS.map(() => 0)];
    this.#steps[this.#placeOf(number)] = fresh;
    return fresh;
  }
}

function isStep(value: unknown): value is Step {
  return Array.isArray(value) && value.length === HISTORY_COLUMNS.length + 1 &&
    value.every((part) => Number.isSafeInteger(part) && part >= 0);
}
