import type { Problem } from "../decide/trouble.ts";
import type { Instant } from "../types.ts";
import type { SeenProblem } from "./fill_event.ts";

/** Problems that are kept; of more the one that was not seen for longest is forgotten. */
const MAX_PROBLEMS = 50;

/** The last problems. One that is seen again is counted, and tells of its last time. */
export class Problems {
  readonly #byIdentity = new Map<string, SeenProblem>();

  note(problem: Problem, at: Instant): SeenProblem {
    const { identity } = problem;
    const count = (this.#byIdentity.get(identity)?.count ?? 0) + 1;
    const seen = { ...problem, at, count };
    this.#byIdentity.delete(identity);
    this.#byIdentity.set(identity, seen);
    const [oldest] = this.#byIdentity.keys();
    if (this.#byIdentity.size > MAX_PROBLEMS && oldest !== undefined) {
      this.#byIdentity.delete(oldest);
    }
    return seen;
  }

  /** The newest first. */
  list(): readonly SeenProblem[] {
    return [...this.#byIdentity.values()].reverse();
  }
}
