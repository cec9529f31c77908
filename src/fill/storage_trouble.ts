import { getLogger } from "@logtape/logtape";
import { Repeats } from "../decide/repeats.ts";
import { problemOf } from "../decide/trouble.ts";
import { CacheProxyError } from "../errors.ts";
import type { Clock, Key } from "../types.ts";
import type { Watch } from "./fill_event.ts";

const log = getLogger(["cache-proxy", "fill"]);

/**
 * Tells the log of a disk that does not take what it should, once a minute, and when it does again.
 * Whoever watches is told each time.
 */
export class StorageTrouble {
  readonly #repeats = new Repeats();
  readonly #clock: Clock;
  readonly #watch: Pick<Watch, "note"> | null;
  #lasts = false;

  /** @param watch null: nobody watches. */
  constructor(clock: Clock, watch: Pick<Watch, "note"> | null = null) {
    this.#clock = clock;
    this.#watch = watch;
  }

  /** Whether the last body that was to be stored could not be. */
  get lasts(): boolean {
    return this.#lasts;
  }

  /** A body could not be stored, or not be kept. */
  tell(key: Key, error: unknown): void {
    const code = error instanceof CacheProxyError ? error.code : "storage-failed";
    // An operator who sets a limit knows that files are longer.
    if (code === "object-too-large") {
      log.debug("{key} is too large to be stored: {error}", { key, error });
      return;
    }
    this.#lasts = true;
    this.#note(key, code, error);
    const untold = this.#repeats.tell(code, this.#clock.now());
    if (untold === null) return;
    log.error(
      "Cannot store {key}, passing it on unstored ({code}, {untold} more before): {error}",
      {
        key,
        code,
        untold,
        error,
      },
    );
  }

  /** What an upstream said of a stored copy could not be noted. */
  tellUnnoted(key: Key, error: unknown): void {
    this.#note(key, "unnoted", error);
    const untold = this.#repeats.tell("unnoted", this.#clock.now());
    if (untold === null) return;
    log.error("Cannot note that {key} was validated, {untold} more before: {error}", {
      key,
      untold,
      error,
    });
  }

  /** A body was stored. */
  settle(): void {
    if (!this.#lasts) return;
    this.#lasts = false;
    log.info("Files are stored again");
  }

  #note(path: Key, code: string, error: unknown): void {
    const detail = error instanceof Error ? error.message : String(error);
    this.#watch?.note(problemOf({ kind: "storage", path, code, detail }));
  }
}
