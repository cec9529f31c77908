import type { RequestFields } from "../client_request.ts";

/**
 * Fields are looked for one by one so often; then a map of them pays, since the same fields serve for
 * many requests of a client (`known_head.ts`).
 */
const MAX_SEARCHES = 20;

/** The header fields of one request in the order in which they came; names in lower case. */
export class HeaderFields implements RequestFields {
  readonly #fields: readonly (readonly [name: string, value: string])[];
  #gets = 0;
  #joined: ReadonlyMap<string, string> | null = null;

  constructor(fields: readonly (readonly [name: string, value: string])[]) {
    this.#fields = fields;
  }

  get(name: string): string | null {
    if (this.#joined !== null) return this.#joined.get(name) ?? null;
    if (++this.#gets > MAX_SEARCHES) this.#joined = this.#join();
    let found: string | null = null;
    for (const field of this.#fields) {
      if (field[0] !== name) continue;
      // RFC 9110 section 5.3: lines of one field are one list.
      found = found === null ? field[1] : `${found}, ${field[1]}`;
    }
    return found;
  }

  /** The lines of a field, each for itself. */
  lines(name: string): readonly string[] {
    return this.#fields.filter((field) => field[0] === name).map((field) => field[1]);
  }

  /** Each name once, as `Headers` gives them. */
  *[Symbol.iterator](): Iterator<readonly [string, string]> {
    yield* this.#join();
  }

  #join(): Map<string, string> {
    const joined = new Map<string, string>();
    for (const [name, value] of this.#fields) {
      const before = joined.get(name);
      joined.set(name, before === undefined ? value : `${before}, ${value}`);
    }
    return joined;
  }
}
