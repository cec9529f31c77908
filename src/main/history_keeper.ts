import { getLogger } from "@logtape/logtape";
import { History, HISTORY_STEP_MS, type HistoryRange } from "../server/admin/history.ts";
import type { HistoryTable, HistoryValues } from "../server/admin/history_ring.ts";
import type { StateFile } from "../storage/state_file.ts";
import type { Clock } from "../types.ts";

/** Steps between two writes: five minutes. */
const SAVE_EVERY_STEPS = 30;

const log = getLogger(["cache-proxy", "admin"]);

/** Writes the history of the proxy and keeps it across restarts. Nothing fails for it. */
export class HistoryKeeper {
  readonly #file: StateFile;
  readonly #history: History;
  readonly #totals: () => HistoryValues;
  readonly #clock: Clock;
  #steps = 0;
  #saving: Promise<void> = Promise.resolve();
  #cancel: () => void;
  #isTroubled = false;

  private constructor(
    file: StateFile,
    history: History,
    totals: () => HistoryValues,
    clock: Clock,
  ) {
    this.#file = file;
    this.#history = history;
    this.#totals = totals;
    this.#clock = clock;
    this.#sample();
    this.#cancel = this.#stepLater();
  }

  /**
   * Reads what was kept, and goes on with it from now on.
   *
   * @param totals What has been counted since the program started. Must not throw.
   */
  static async start(
    file: StateFile,
    totals: () => HistoryValues,
    clock: Clock,
  ): Promise<HistoryKeeper> {
    let history = new History();
    try {
      const saved = await file.read();
      if (saved !== undefined) history.restore(saved);
    } catch (error) {
      history = new History();
      log.warn("The history begins afresh: {error}", { error });
    }
    return new HistoryKeeper(file, history, totals, clock);
  }

  /** A range up to now. */
  table(range: HistoryRange): HistoryTable {
    this.#sample();
    return this.#history.table(range, this.#clock.now());
  }

  /** Writes it for the last time. Never rejects. */
  async stop(): Promise<void> {
    this.#cancel();
    this.#sample();
    await this.#save();
  }

  #sample(): void {
    this.#history.sample(this.#clock.now(), this.#totals());
  }

  /** At the end of a step, so that each count belongs to one. */
  #stepLater(): () => void {
    const sinceStep = this.#clock.now() % HISTORY_STEP_MS;
    return this.#clock.after(HISTORY_STEP_MS - sinceStep, () => {
      this.#sample();
      if (++this.#steps % SAVE_EVERY_STEPS === 0) void this.#save();
      this.#cancel = this.#stepLater();
    });
  }

  /** One after the other, so that the last one stands. */
  #save(): Promise<void> {
    this.#saving = this.#saving.then(() => this.#saveNow());
    return this.#saving;
  }

  async #saveNow(): Promise<void> {
    try {
      await this.#file.write(this.#history);
      this.#isTroubled = false;
    } catch (error) {
      if (!this.#isTroubled) log.warn("Cannot keep the history: {error}", { error });
      this.#isTroubled = true;
    }
  }
}
