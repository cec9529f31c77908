import { getLogger } from "@logtape/logtape";
import type { Scores } from "../fill/scores.ts";
import type { StateFile } from "../storage/state_file.ts";
import type { Clock } from "../types.ts";

/** How often scores are written that have changed, in milliseconds. */
const SAVE_EVERY_MS = 5 * 60_000;

const log = getLogger(["cache-proxy", "fill"]);

/** Keeps the scores of the upstreams across restarts. They are a hint: nothing fails for them. */
export class ScoreKeeper {
  readonly #file: StateFile;
  readonly #scores: Scores;
  readonly #clock: Clock;
  #savedRevision: number;
  #saving: Promise<void> = Promise.resolve();
  #cancel: () => void;
  #isTroubled = false;

  private constructor(file: StateFile, scores: Scores, clock: Clock) {
    this.#file = file;
    this.#scores = scores;
    this.#clock = clock;
    this.#savedRevision = scores.revision;
    this.#cancel = this.#saveLater();
  }

  /** Reads the scores of these upstreams, and writes them now and then from now on. */
  static async start(
    file: StateFile,
    scores: Scores,
    upstreams: ReadonlySet<string>,
    clock: Clock,
  ): Promise<ScoreKeeper> {
    try {
      const saved = await file.read();
      if (saved !== undefined) scores.restore(saved);
    } catch (error) {
      log.warn("The scores of the mirrors begin afresh: {error}", { error });
    }
    scores.retain(upstreams);
    return new ScoreKeeper(file, scores, clock);
  }

  /** Writes what has changed, for the last time. Never rejects. */
  async stop(): Promise<void> {
    this.#cancel();
    await this.#save();
  }

  #saveLater(): () => void {
    return this.#clock.after(SAVE_EVERY_MS, () => {
      void this.#save();
      this.#cancel = this.#saveLater();
    });
  }

  /** One after the other, so that the last one stands. */
  #save(): Promise<void> {
    this.#saving = this.#saving.then(() => this.#saveNow());
    return this.#saving;
  }

  async #saveNow(): Promise<void> {
    const { revision } = this.#scores;
    if (revision === this.#savedRevision) return;
    try {
      await this.#file.write(this.#scores);
      this.#savedRevision = revision;
      this.#isTroubled = false;
    } catch (error) {
      if (!this.#isTroubled) log.warn("Cannot keep the scores of the mirrors: {error}", { error });
      this.#isTroubled = true;
    }
  }
}
