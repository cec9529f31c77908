/** Something that a test waits for, or lets others wait for. Open once, open for ever. */
export class Gate {
  readonly #resolvers = Promise.withResolvers<void>();

  /** Resolves when the gate is open. */
  get opened(): Promise<void> {
    return this.#resolvers.promise;
  }

  open(): void {
    this.#resolvers.resolve();
  }
}

/** Counts up; whoever waits for a number is told when it is reached. */
export class Counter {
  #count = 0;
  readonly #waiting = new Set<{ readonly count: number; readonly gate: Gate }>();

  get count(): number {
    return this.#count;
  }

  up(): void {
    this.#count++;
    for (const waiter of this.#waiting) {
      if (waiter.count > this.#count) continue;
      this.#waiting.delete(waiter);
      waiter.gate.open();
    }
  }

  async reaches(count: number): Promise<void> {
    if (this.#count >= count) return;
    const waiter = { count, gate: new Gate() };
    this.#waiting.add(waiter);
    await waiter.gate.opened;
  }
}

/** Lets everything run that can run without anybody outside of this process. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) {
    await new Promise<void>((resolve) => setTimeout(resolve));
  }
}
