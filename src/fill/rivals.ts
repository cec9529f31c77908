import type { Candidate } from "../decide/candidates.ts";
import type { Standings } from "./standings.ts";

/** Who might give one body better than the upstream that gives it. */
export class Rivals {
  readonly #names: readonly string[];
  readonly #standings: Standings;
  /** Those that have had their turn with this body. */
  readonly #out = new Set<string>();
  readonly #left = new Set<string>();

  constructor(groups: readonly (readonly Candidate[])[], standings: Standings) {
    this.#names = groups.flat().map(({ upstream }) => upstream.name);
    this.#standings = standings;
  }

  /** It failed: no reason any more to leave another one for it. */
  drop(upstream: string): void {
    this.#out.add(upstream);
  }

  /** It was too slow for this body: others are to give it first. */
  leave(upstream: string): void {
    this.#left.add(upstream);
    this.drop(upstream);
  }

  wasLeft(upstream: string): boolean {
    return this.#left.has(upstream);
  }

  has(upstream: string): boolean {
    return this.#names.includes(upstream) && !this.#out.has(upstream) &&
      this.#standings.breakerOf(upstream).state === "closed";
  }

  /** Whether there is anyone else than the upstream that gives the body. */
  isThereOtherThan(upstream: string): boolean {
    return this.#otherThan(upstream).length > 0;
  }

  /** The highest rate that one of the others is known for, in bytes per second; null: none is. */
  bestRateOtherThan(upstream: string): number | null {
    const rates = this.#otherThan(upstream)
      .map((name) => this.#standings.scores.bytesPerSecond(name) ?? 0);
    const best = Math.max(0, ...rates);
    return best > 0 ? best : null;
  }

  #otherThan(upstream: string): readonly string[] {
    return this.#names.filter((name) => name !== upstream && this.has(name));
  }
}
