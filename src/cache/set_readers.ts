import type { Clock, Instant, Key } from "../types.ts";
import { Recent } from "./recent.ts";

/** How long a client is taken to go on with the state that it has read the anchor of. */
const READING_MS = 600_000;

/** Clients and sets that are remembered; beyond it the longest silent one is forgotten. */
const MAX_READERS = 10_000;

/** The copy of an anchor that a client was given last. */
export interface AnchorRead {
  readonly anchor: Key;
  /** null: nobody can say. */
  readonly version: string | null;
}

/**
 * Who has read which state of which set. A client is known by its address: several behind one
 * address count as one, with the state that any of them was given last.
 */
export class SetReaders {
  readonly #clock: Pick<Clock, "now">;
  readonly #reads = new Recent<
    string,
    { readonly anchor: Key; readonly version: Promise<string | null>; readonly at: Instant }
  >(MAX_READERS);

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  /** @param version Must not reject; null when the client got what is not stored. */
  note(client: string, set: string, anchor: Key, version: Promise<string | null>): void {
    this.#reads.set(nameOf(client, set), { anchor, version, at: this.#clock.now() });
  }

  /** What a client has read; null when it has read nothing for a while. */
  async last(client: string, set: string): Promise<AnchorRead | null> {
    const read = this.#reads.get(nameOf(client, set));
    if (read === undefined || this.#clock.now() - read.at >= READING_MS) return null;
    return { anchor: read.anchor, version: await read.version };
  }
}

function nameOf(client: string, set: string): string {
  return `${client} ${set}`;
}
