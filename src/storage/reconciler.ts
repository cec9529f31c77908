import { getLogger } from "@logtape/logtape";
import type { Clock } from "../types.ts";
import type { Reconciled } from "./reconcile.ts";

/** How often files are looked for that nobody has asked for. */
const PASS_EVERY_MS = 24 * 3_600_000;

const log = getLogger(["cache-proxy", "storage"]);

/** Keeps index and tree in agreement: a pass at first, one a day, and one whenever it is asked for. */
export class Reconciler {
  readonly #pass: (signal: AbortSignal) => Promise<Reconciled>;
  readonly #clock: Clock;
  #isDue = true;
  #change = Promise.withResolvers<void>();

  constructor(pass: (signal: AbortSignal) => Promise<Reconciled>, clock: Clock) {
    this.#pass = pass;
    this.#clock = clock;
  }

  /** Asks for a pass. One that is under way is followed by another. */
  wake(): void {
    this.#isDue = true;
    this.#change.resolve();
  }

  /** Returns soon after the signal. Never rejects: what goes wrong is for the log. */
  async run(signal: AbortSignal): Promise<void> {
    const stop = (): void => this.#change.resolve();
    signal.addEventListener("abort", stop);
    let cancelTimer = (): void => {};
    const setTimer = (): void => {
      cancelTimer = this.#clock.after(PASS_EVERY_MS, () => {
        setTimer();
        this.wake();
      });
    };
    setTimer();
    while (!signal.aborted) {
      if (this.#isDue) await this.#runPass(signal);
      else await this.#changed(signal);
    }
    cancelTimer();
    signal.removeEventListener("abort", stop);
  }

  async #changed(signal: AbortSignal): Promise<void> {
    this.#change = Promise.withResolvers();
    if (!this.#isDue && !signal.aborted) await this.#change.promise;
  }

  async #runPass(signal: AbortSignal): Promise<void> {
    this.#isDue = false;
    const begin = performance.now();
    try {
      const done = await this.#pass(signal);
      const ms = Math.round(performance.now() - begin);
      if (!done.complete) return;
      log.info(
        "Index and tree agree: {dropped} entries dropped, {adopted} files adopted, " +
          "{changed} changed, {orphans} orphans removed, {failed} failed in {ms} ms",
        { ...done, ms },
      );
    } catch (error) {
      log.warn("Cannot bring index and tree into agreement: {error}", { error });
    }
  }
}
