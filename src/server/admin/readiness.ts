import type { UpstreamCounters } from "../../fill/counters.ts";
import type { Clock, Instant } from "../../types.ts";

/** How long a look at the storage may be taken for the next one, in milliseconds. */
export const CHECK_KEPT_MS = 5_000;

/** Whether the data directory takes a file and the index can be read. */
export interface StorageCheck {
  /** Rejects when not, and says why. */
  check(): Promise<void>;
}

/** What readiness is read from. */
export interface ReadinessParts {
  readonly storage: StorageCheck;
  /** Of those that were asked. */
  readonly counters: Readonly<Record<string, Pick<UpstreamCounters, "isLeftOut">>>;
  /** All that are configured. */
  readonly upstreams: readonly string[];
  readonly isOffline: boolean;
  readonly isStopping: boolean;
}

/** Why the program cannot do its work now; empty when it can. */
export async function readinessProblems(parts: ReadinessParts): Promise<readonly string[]> {
  const { storage, counters, upstreams, isOffline, isStopping } = parts;
  const problems: string[] = [];
  if (isStopping) problems.push("The proxy is shutting down");
  try {
    await storage.check();
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
  }
  // One whose pause is over will be tried with the next request: without requests it never would.
  const isLeftOut = (name: string): boolean => counters[name]?.isLeftOut ?? false;
  if (!isOffline && upstreams.every(isLeftOut)) {
    problems.push(`Every upstream fails and is left out: ${upstreams.join(", ")}`);
  }
  return problems;
}

/** For those who ask every moment: a check writes to the disk, so one does for `CHECK_KEPT_MS`. */
export class KeptCheck implements StorageCheck {
  readonly #storage: StorageCheck;
  readonly #clock: Pick<Clock, "now">;
  #last: { readonly at: Instant; readonly outcome: Promise<void> } | null = null;

  constructor(storage: StorageCheck, clock: Pick<Clock, "now">) {
    this.#storage = storage;
    this.#clock = clock;
  }

  check(): Promise<void> {
    const now = this.#clock.now();
    const last = this.#last;
    // A clock that was set back must not keep an old answer.
    if (last !== null && now >= last.at && now - last.at < CHECK_KEPT_MS) return last.outcome;
    const outcome = this.#storage.check();
    this.#last = { at: now, outcome };
    return outcome;
  }
}
