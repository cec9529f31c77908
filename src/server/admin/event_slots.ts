/** Answers of server-sent events that go on for long, and how many there may be at once. */
export class EventSlots {
  readonly #limit: number;
  #taken = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** A place, until it is disposed of; null: all are taken. */
  take(): Disposable | null {
    if (this.#taken >= this.#limit) return null;
    this.#taken++;
    let isFree = false;
    return {
      [Symbol.dispose]: () => {
        if (!isFree) this.#taken--;
        isFree = true;
      },
    };
  }
}
