import { getLogger } from "@logtape/logtape";
import { Repeats } from "../decide/repeats.ts";
import { CacheProxyError } from "../errors.ts";
import type { Clock, Key } from "../types.ts";

const log = getLogger(["cache-proxy", "fill"]);

/** Tells the log of a disk that does not take what it should, once a minute, and when it does again. */
export class StorageTrouble {
  readonly #repeats = new Repeats();
  readonly #clock: Clock;
  #lasts = false;

  constructor(clock: Clock) {
    this.#clock = clock;
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
}
