import type { AttemptFailure, Instant, Key, Target } from "../types.ts";

/** Paths that are remembered; beyond it the oldest is forgotten. */
const MAX_ANSWERS = 10_000;

/** A longer path, in UTF-16 units, is asked for again each time. */
const MAX_PATH_UNITS = 1024;

/** What all mirrors said of a path that none of them has. */
export interface NegativeAnswer {
  readonly failures: readonly AttemptFailure[];
  readonly until: Instant;
}

/**
 * Remembers for a while what no mirror has, in memory alone. By the client's spelling of the path,
 * not by its key: a mirror may refuse `%2B` and have `+`.
 */
export class NegativeAnswers {
  readonly #answers = new Map<string, NegativeAnswer & { readonly key: Key }>();
  /** How often something was forgotten on demand. */
  #forgotten = 0;

  /** Grows with every `forget`: what was asked for before that is not to be remembered. */
  get forgotten(): number {
    return this.#forgotten;
  }

  find(target: Target, now: Instant): NegativeAnswer | null {
    const name = nameOf(target);
    const answer = this.#answers.get(name);
    if (answer === undefined) return null;
    if (now < answer.until) return answer;
    this.#answers.delete(name);
    return null;
  }

  remember(target: Target, answer: NegativeAnswer): void {
    const name = nameOf(target);
    if (name.length > MAX_PATH_UNITS) return;
    this.#answers.delete(name);
    this.#answers.set(name, { ...answer, key: target.key });
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > MAX_ANSWERS && oldest !== undefined) this.#answers.delete(oldest);
  }

  /** Forgets what was said of certain keys. */
  forget(matches: (key: Key) => boolean): void {
    this.#forgotten++;
    for (const [name, { key }] of this.#answers) if (matches(key)) this.#answers.delete(name);
  }
}

function nameOf({ rawPath, query }: Target): string {
  return rawPath + query;
}
