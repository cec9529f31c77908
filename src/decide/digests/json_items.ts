import { JSONParser } from "@streamparser/json";

/** A text up to this length is read at once: 10 ms for 4 MiB, a tenth of what streaming takes. */
const MAX_AT_ONCE_UNITS = 4 * 1024 * 1024;

/**
 * The items of one list or map in a JSON text that comes in pieces: `["versions", "*", "dist"]` are
 * the members `dist` of whatever `versions` has. What is no JSON ends in nothing more being told.
 */
export class JsonItems {
  readonly #path: readonly string[];
  readonly #onItem: (item: unknown) => void;
  /** What has come so far, until it is too long to be read at once. */
  #text: string | null = "";
  #stream: JSONParser | null = null;

  constructor(path: readonly string[], onItem: (item: unknown) => void) {
    this.#path = path;
    this.#onItem = onItem;
  }

  push(text: string): void {
    if (this.#text === null) return this.#write(text);
    this.#text += text;
    if (this.#text.length <= MAX_AT_ONCE_UNITS) return;
    const held = this.#text;
    this.#text = null;
    this.#stream = new JSONParser({ paths: [`$.${this.#path.join(".")}`], keepStack: false });
    this.#stream.onValue = ({ value }) => this.#onItem(value);
    this.#stream.onError = () => void (this.#stream = null);
    this.#write(held);
  }

  end(): void {
    if (this.#text === null) return;
    try {
      this.#walk(JSON.parse(this.#text), 0);
    } catch {
      // A list that cannot be read says nothing.
    }
    this.#text = "";
  }

  #write(text: string): void {
    try {
      this.#stream?.write(text);
    } catch {
      this.#stream = null;
    }
  }

  #walk(value: unknown, depth: number): void {
    const step = this.#path[depth];
    if (step === undefined) return this.#onItem(value);
    if (typeof value !== "object" || value === null) return;
    if (step === "*") { for (const item of Object.values(value)) this.#walk(item, depth + 1); }
    else if (Object.hasOwn(value, step)) {
      this.#walk((value as Readonly<Record<string, unknown>>)[step], depth + 1);
    }
  }
}
