import type { Candidate } from "../../src/decide/candidates.ts";
import { UpstreamError } from "../../src/errors.ts";
import type { RaceRules } from "../../src/fill/line_up.ts";
import { race, type RaceResult } from "../../src/fill/race.ts";
import { Standings } from "../../src/fill/standings.ts";
import type { FailureReason } from "../../src/types.ts";
import { upstream } from "./facts.ts";
import { settle } from "./gate.ts";
import { ManualClock } from "./manual_clock.ts";

/** What a scripted mirror does, so many milliseconds after it was asked; null: nothing, ever. */
export interface Script {
  readonly afterMs: number | null;
  /** Without it: it gives what it should. */
  readonly failure?: FailureReason;
  /** Bytes that it has given by then, the first of them at once. */
  readonly bytes?: number;
}

/** How finely time passes, in milliseconds. */
const STEP_MS = 10;

/** Races among mirrors that keep to their scripts, in a time that the test holds. */
export class ScriptedRace {
  readonly clock = new ManualClock();
  readonly standings: Standings;
  /** The names of those that were asked, in order, since the test last emptied it. */
  readonly asked: string[] = [];
  scripts: Record<string, Script>;
  #random: () => number = () => 0.5;

  constructor(scripts: Record<string, Script>) {
    this.scripts = scripts;
    this.standings = new Standings({ clock: this.clock, random: () => this.#random() });
  }

  set random(random: () => number) {
    this.#random = random;
  }

  /** Begins a race among all mirrors. */
  start(
    rules: Partial<RaceRules> = {},
    groups: readonly (readonly string[])[] = [Object.keys(this.scripts)],
  ): Promise<RaceResult<string>> {
    return race(
      groups.map((group) => group.map(candidateNamed)),
      ({ upstream: { name } }, controller, attempt) => {
        this.asked.push(name);
        const { afterMs, failure, bytes = 0 } = this.scripts[name] ?? { afterMs: null };
        const outcome = Promise.withResolvers<string>();
        controller.signal.addEventListener("abort", () => outcome.reject(controller.signal.reason));
        if (bytes > 0) attempt.received(bytes);
        if (afterMs === null) return outcome.promise;
        this.clock.after(afterMs, () => {
          if (failure !== undefined) return outcome.reject(new UpstreamError(failure));
          if (!controller.signal.aborted) attempt.head();
          outcome.resolve(name);
        });
        return outcome.promise;
      },
      new AbortController().signal,
      { width: 3, byBandwidth: false, standings: this.standings, ...rules },
    );
  }

  /** Lets time pass until the race is over; the name of the winner and how long it took. */
  async run(
    rules: Partial<RaceRules> = {},
    groups?: readonly (readonly string[])[],
  ): Promise<{ readonly won: string | null; readonly ms: number }> {
    const before = this.clock.now();
    let result: RaceResult<string> | null = null;
    void this.start(rules, groups).then((it) => result = it);
    await settle();
    while (result === null) {
      this.clock.advance(STEP_MS);
      await turns();
    }
    const { won } = result as RaceResult<string>;
    return { won, ms: this.clock.now() - before };
  }

  /** Lets time pass. */
  async pass(ms: number): Promise<void> {
    this.clock.advance(ms);
    await turns();
  }
}

/** Lets promises settle; nobody outside of this process has a part in it. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 30; turn++) await Promise.resolve();
}

function candidateNamed(name: string): Candidate {
  return { upstream: upstream({ name }), url: `http://${name}/` };
}
