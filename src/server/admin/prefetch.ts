import type { Cache } from "../../cache/cache.ts";
import type { Outcome } from "../../cache/outcome.ts";
import { describeFailure } from "../../decide/failure.ts";
import { parseTarget } from "../../decide/parse_target.ts";
import type { Fill } from "../../fill/fill.ts";
import { pause } from "./event_pause.ts";
import type { ServerEvent } from "./event_stream.ts";

/** Files of one request that are fetched at once. */
const AT_ONCE = 4;

/** How often progress is told, in milliseconds. */
const TELL_EVERY_MS = 250;

/** How far one path is. */
export interface PrefetchProgress {
  readonly path: string;
  readonly state: "waiting" | "downloading" | "done" | "unchanged" | "failed";
  /** Bytes that are in the file. */
  readonly written: number;
  /** null: unknown. */
  readonly size: number | null;
  readonly upstream: string | null;
  /** Why it failed, or why nothing was to be fetched; null: nothing to say. */
  readonly reason: string | null;
}

/** What came of all paths. */
export interface PrefetchSummary {
  readonly stored: number;
  readonly unchanged: number;
  readonly failed: number;
}

/**
 * Asks for paths as clients would, a few at a time, so that what is missing or old comes into the
 * cache. Nobody reads along. What waits for its turn is told once, at first.
 *
 * @param signal From then on nothing more is begun; what has begun is completed without us.
 */
export async function* prefetch(
  cache: () => Pick<Cache, "get">,
  paths: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<ServerEvent, void> {
  const left = new AbortController();
  const work = new Prefetch(cache, paths, AbortSignal.any([signal, left.signal]));
  try {
    const over = new AbortController();
    const wake = AbortSignal.any([signal, over.signal]);
    const done = work.run();
    void done.then(() => over.abort());
    for (const path of paths) yield { name: "progress", data: waitingFor(path) };
    for (let isDone = false; !isDone;) {
      isDone = over.signal.aborted;
      await pause(TELL_EVERY_MS, wake);
      if (signal.aborted) return;
      for (const data of work.takeNews()) yield { name: "progress", data };
    }
    yield { name: "done", data: work.summary };
  } finally {
    left.abort();
  }
}

class Prefetch {
  readonly #cache: () => Pick<Cache, "get">;
  readonly #paths: readonly string[];
  readonly #signal: AbortSignal;
  /** What is to be told, by the place in the list: the last word counts. */
  readonly #news = new Map<number, PrefetchProgress>();
  readonly #running = new Map<number, { readonly fill: Fill; told: PrefetchProgress }>();
  readonly #counts = { stored: 0, unchanged: 0, failed: 0 };
  #next = 0;

  constructor(cache: () => Pick<Cache, "get">, paths: readonly string[], signal: AbortSignal) {
    this.#cache = cache;
    this.#paths = paths;
    this.#signal = signal;
  }

  get summary(): PrefetchSummary {
    return { ...this.#counts };
  }

  /** Resolves when all is done, or what was begun after the signal; never rejects. */
  async run(): Promise<void> {
    await Promise.all(Array.from({ length: AT_ONCE }, () => this.#runOneByOne()));
  }

  /** What has changed since the last time. */
  takeNews(): PrefetchProgress[] {
    for (const [index, running] of this.#running) {
      const { written } = running.fill.progress;
      if (written === running.told.written) continue;
      running.told = { ...running.told, written };
      this.#news.set(index, running.told);
    }
    const news = [...this.#news.values()];
    this.#news.clear();
    return news;
  }

  async #runOneByOne(): Promise<void> {
    while (!this.#signal.aborted) {
      const index = this.#next++;
      const path = this.#paths[index];
      if (path === undefined) return;
      const end = await this.#fetch(index, path);
      this.#running.delete(index);
      this.#news.set(index, end);
      this.#counts[end.state === "done" ? "stored" : end.state]++;
    }
  }

  async #fetch(index: number, path: string): Promise<Ended> {
    const parsed = parseTarget(`http://localhost${path}`, null);
    if (!path.startsWith("/")) return failed(path, "A path begins with a slash");
    if (parsed.kind === "refused") return failed(path, parsed.reason);
    try {
      const { target } = parsed;
      const asked = { target, want: "part", fields: () => [], client: "" } as const;
      return await this.#follow(index, path, await this.#cache().get(asked));
    } catch (error) {
      return failed(path, error instanceof Error ? error.message : String(error));
    }
  }

  async #follow(index: number, path: string, outcome: Outcome): Promise<Ended> {
    switch (outcome.kind) {
      case "stored": {
        const { entry: { size, upstream }, result, reason } = outcome;
        // An old copy was kept, since nobody gave a better one.
        const state = result === "STALE" && reason !== "revalidating" && reason !== "offline"
          ? "failed"
          : "unchanged";
        return { path, state, written: size, size, upstream, reason };
      }
      case "filling":
        return await this.#followFill(index, path, outcome);
      case "passing":
        void outcome.fill.takeLead()?.cancel();
        return failed(path, `It is not stored: ${outcome.reason}`, outcome.head.upstream);
      case "failed": {
        const reasons = outcome.failures.map(({ upstream, reason }) =>
          `${upstream} ${describeFailure(reason)}`
        );
        return failed(path, reasons.length === 0 ? "No upstream for it" : reasons.join("; "));
      }
      case "unavailable":
      case "refused":
        return failed(path, outcome.reason);
      case "head":
        throw new Error("Cannot prefetch by a head alone");
    }
  }

  /** The fill's own bounds (stall, takeovers) end the wait. */
  async #followFill(
    index: number,
    path: string,
    { fill, head }: Extract<Outcome, { kind: "filling" }>,
  ): Promise<Ended> {
    const { size, upstream } = head;
    const { progress } = fill;
    const told = { path, written: progress.written, size, upstream, reason: null };
    const begun: PrefetchProgress = { ...told, state: "downloading" };
    this.#news.set(index, begun);
    this.#running.set(index, { fill, told: begun });
    while (progress.end === null) await progress.changed();
    const { written, end } = progress;
    if (end.kind === "stored") return { ...told, state: "done", written, size: end.entry.size };
    // Nobody reads what the disk did not take.
    if (end.kind === "unstorable") void fill.claimRest()?.cancel();
    return { ...told, state: "failed", written, reason: end.reason };
  }
}

/** The last word on a path. */
type Ended = PrefetchProgress & { readonly state: "done" | "unchanged" | "failed" };

function waitingFor(path: string): PrefetchProgress {
  return { path, state: "waiting", written: 0, size: null, upstream: null, reason: null };
}

function failed(path: string, reason: string, upstream: string | null = null): Ended {
  return { path, state: "failed", written: 0, size: null, upstream, reason };
}
