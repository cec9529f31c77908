import type { Key } from "../types.ts";
import type { AttemptTrack } from "./attempt_track.ts";
import type { Role, Watch } from "./fill_event.ts";

/** What a race is part of. */
interface OfFill {
  readonly id: number;
  readonly facts: { readonly path: Key };
  attempt(upstream: string, role: Role, url: string, race: number | null): AttemptTrack;
}

/** One race as those see it who watch. */
export class RaceTrack {
  readonly #watch: Watch;
  readonly #fill: OfFill;
  readonly #role: Role;
  readonly #id: number;
  /** As many as there are candidates. */
  readonly #attempts: AttemptTrack[] = [];

  constructor(watch: Watch, fill: OfFill, role: Role) {
    this.#watch = watch;
    this.#fill = fill;
    this.#role = role;
    this.#id = watch.nextId();
    watch.emit(() => ({
      kind: "race-started",
      fill: fill.id,
      at: watch.now(),
      race: this.#id,
      role,
    }));
  }

  attempt(upstream: string, url: string): AttemptTrack {
    const attempt = this.#fill.attempt(upstream, this.#role, url, this.#id);
    this.#attempts.push(attempt);
    return attempt;
  }

  end(): void {
    const { id: fill, facts: { path } } = this.#fill;
    this.#watch.emit(() => {
      const at = this.#watch.now();
      const winner = this.#attempts.find(({ hasWon }) => hasWon);
      return {
        kind: "race-ended",
        fill,
        at,
        path,
        race: this.#id,
        role: this.#role,
        winner: winner === undefined ? null : { attempt: winner.id, upstream: winner.upstream },
        contestants: this.#attempts.map((it) => it.view(at)),
      };
    });
  }
}
