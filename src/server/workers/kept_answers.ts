import { identify, sameFile } from "../../storage/file_identity.ts";
import type { Clock, Entry } from "../../types.ts";
import { Arrivals } from "../arrivals.ts";
import type { ClientRequest } from "../client_request.ts";
import { QuickAnswers } from "../quick_answers.ts";
import type { ServerCounters } from "../server_counters.ts";
import type { Generations } from "./generations.ts";
import type { Kept, QuickSettings } from "./messages.ts";

/** What the memory of a serving worker takes. */
export interface KeptParts {
  readonly generations: Generations;
  readonly clock: Clock;
  readonly counters: ServerCounters;
  /** Counts a use. */
  readonly used: (entry: Entry) => void;
}

/** The answers that one serving worker has in memory, as the filling worker has made them. */
export class KeptAnswers {
  readonly #parts: KeptParts;
  readonly #kept = new WeakMap<Entry, Kept>();
  #answers: QuickAnswers;

  constructor(settings: QuickSettings, parts: KeptParts) {
    this.#parts = parts;
    this.#answers = this.#with(settings);
  }

  /** Forgets all and goes by other settings from now on. */
  configure(settings: QuickSettings): void {
    this.#answers = this.#with(settings);
  }

  /** As in `QuickAnswers`. */
  find(request: ClientRequest & { readonly target: string }): readonly Uint8Array[] | null {
    return this.#answers.find(request);
  }

  keep(kept: Kept, body: Uint8Array): void {
    const { target, hit, keptAt, stamp } = kept;
    this.#kept.set(hit.entry, kept);
    const isOutdated = (): boolean => !this.#parts.generations.isCurrent(stamp);
    this.#answers.put(target, hit, body, keptAt, isOutdated);
  }

  #with(settings: QuickSettings): QuickAnswers {
    const { clock, counters, used } = this.#parts;
    return new QuickAnswers({
      // What is for this client alone was not handed over.
      cache: { used, isForAll: () => true },
      storage: { isIntact: (entry) => this.#isIntact(entry) },
      ...{ clock, counters },
      ...settings,
      arrivals: new Arrivals(settings.arrivals),
    });
  }

  /** That the entry is in force is what the generations say. */
  #isIntact(entry: Entry): boolean {
    const kept = this.#kept.get(entry);
    if (kept === undefined) return false;
    try {
      const found = identify(Deno.statSync(kept.path));
      return found !== null && sameFile(found, kept.identity);
    } catch {
      return false;
    }
  }
}
