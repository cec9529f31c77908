import type { FillEnd, Progress } from "./fill.ts";

/** The writing side of `Progress`. */
export class ProgressSignal implements Progress {
  #written = 0;
  #end: FillEnd | null = null;
  #change: PromiseWithResolvers<void> | null = null;

  get written(): number {
    return this.#written;
  }

  get end(): FillEnd | null {
    return this.#end;
  }

  changed(): Promise<void> {
    // One promise for all who wait: a hundred joiners cost what one costs.
    this.#change ??= Promise.withResolvers<void>();
    return this.#change.promise;
  }

  /** Bytes up to `written` are in the file. */
  advance(written: number): void {
    this.#written = written;
    this.#wake();
  }

  /** The first end stands. */
  finish(end: FillEnd): void {
    this.#end ??= end;
    this.#wake();
  }

  #wake(): void {
    const change = this.#change;
    this.#change = null;
    change?.resolve();
  }
}
