import type { LinkRewriter, MapLink } from "./link_rewriter.ts";
import { Splice } from "./splice.ts";

/** A member of an object by its name, any member (`*`), or an element of an array (`[]`). */
export type JsonStep = string;

/** How to get from the root to a string. */
export type JsonPath = readonly JsonStep[];

export const ANY_MEMBER: JsonStep = "*";
export const ELEMENT: JsonStep = "[]";

/** No name that a path has is longer, escapes included. */
const MAX_NAME_BYTES = 128;

const UTF_8 = new TextDecoder("utf-8", { fatal: true });

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** An object or an array in which a path may go on. */
interface Level {
  readonly isObject: boolean;
  /** Paths that have led here, one bit for each. */
  readonly paths: number;
  /** Those of them that the member or element fits that is being read. */
  fitting: number;
  /** Whether the next string is a name. */
  isBeforeName: boolean;
}

/**
 * Replaces the strings that certain paths of a JSON text lead to. Works on bytes, and keeps nothing
 * but the levels that a path goes through: depth and length of the rest cost no memory. What is no
 * JSON comes out as it came.
 */
export class JsonLinks implements LinkRewriter {
  readonly #paths: readonly JsonPath[];
  readonly #map: MapLink;
  readonly #splice = new Splice();
  readonly #levels: Level[] = [];
  /** Open objects and arrays below the last level, where no path leads. */
  #aside = 0;
  /** What kind of string is being read; null: none. */
  #string: "name" | "link" | "other" | null = null;
  #isEscaped = false;
  /** The bytes of a name so far. */
  #name: number[] = [];

  /** @param paths At most 31. */
  constructor(paths: readonly JsonPath[], map: MapLink) {
    this.#paths = paths;
    this.#map = map;
  }

  push(chunk: Uint8Array): Uint8Array {
    this.#splice.begin(chunk);
    for (let at = 0; at < chunk.byteLength;) {
      if (this.#string !== null) at = this.#inString(chunk, at);
      else if (this.#aside > 0) at = this.#passAside(chunk, at);
      else at = this.#structure(chunk, at);
    }
    return this.#splice.flush();
  }

  end(): Uint8Array {
    return this.#splice.end();
  }

  /** Reads up to the next string, or to where no path leads; returns where it goes on. */
  #structure(chunk: Uint8Array, start: number): number {
    for (let at = start; at < chunk.byteLength; at++) {
      switch (chunk[at]) {
        case QUOTE:
          this.#beginString(at);
          return at + 1;
        case OPEN_OBJECT:
        case OPEN_ARRAY:
          this.#open(chunk[at] === OPEN_OBJECT);
          if (this.#aside > 0) return at + 1;
          break;
        case CLOSE_OBJECT:
        case CLOSE_ARRAY:
          this.#levels.pop();
          break;
        case COMMA:
          this.#next();
          break;
        case COLON: {
          const level = this.#levels.at(-1);
          if (level !== undefined) level.isBeforeName = false;
        }
      }
    }
    return chunk.byteLength;
  }

  /** Reads on to the end of what no path leads into: most of most documents, so this one is quick. */
  #passAside(chunk: Uint8Array, start: number): number {
    const { byteLength } = chunk;
    let depth = this.#aside;
    let at = start;
    while (at < byteLength && depth > 0) {
      const byte = chunk[at++];
      if (byte === QUOTE) {
        const end = stringEnd(chunk, at);
        if (end < byteLength) at = end + 1;
        else {
          this.#string = "other";
          break;
        }
      } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth++;
      else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) depth--;
    }
    this.#aside = depth;
    return at;
  }

  #inString(chunk: Uint8Array, start: number): number {
    const { byteLength } = chunk;
    const end = stringEnd(chunk, this.#isEscaped ? start + 1 : start);
    if (this.#string === "name") {
      for (const byte of chunk.subarray(start, end)) {
        if (this.#name.length > MAX_NAME_BYTES) break;
        this.#name.push(byte);
      }
    }
    this.#isEscaped = end > byteLength;
    if (end >= byteLength) return byteLength;
    this.#endString(end + 1);
    return end + 1;
  }

  #beginString(at: number): void {
    const level = this.#levels.at(-1);
    if (level === undefined) this.#string = "other";
    else if (level.isObject && level.isBeforeName) {
      this.#string = "name";
      this.#name = [];
    } else if (this.#endsHere(level)) {
      this.#string = "link";
      this.#splice.hold(at);
    } else this.#string = "other";
  }

  #endString(at: number): void {
    const kind = this.#string;
    this.#string = null;
    if (kind === "link") this.#splice.replace(at, (literal) => this.#replacement(literal));
    else if (kind === "name") this.#fit(this.#levels.at(-1));
  }

  #replacement(literal: Uint8Array): Uint8Array | null {
    const link = parsedString(literal);
    const replacement = link === null ? null : this.#map(link);
    return replacement === null ? null : new TextEncoder().encode(JSON.stringify(replacement));
  }

  /** Which paths go on with the name that was read. */
  #fit(level: Level | undefined): void {
    if (level === undefined) return;
    const name = nameOf(this.#name);
    level.fitting = this.#filter(level.paths, (path) => {
      const step = path[this.#levels.length - 1];
      return step === ANY_MEMBER || (name !== null && step === name && step !== ELEMENT);
    });
  }

  #open(isObject: boolean): void {
    const level = this.#levels.at(-1);
    // A path that ends here wants a string.
    const paths = level === undefined
      ? (1 << this.#paths.length) - 1
      : this.#filter(level.fitting, ({ length }) => length > this.#levels.length);
    if (paths === 0) {
      this.#aside = 1;
      return;
    }
    this.#levels.push({ isObject, paths, fitting: 0, isBeforeName: isObject });
    if (!isObject) this.#next();
  }

  /** Another member or element begins. */
  #next(): void {
    const level = this.#levels.at(-1);
    if (level === undefined) return;
    level.isBeforeName = level.isObject;
    const depth = this.#levels.length - 1;
    level.fitting = level.isObject
      ? 0
      : this.#filter(level.paths, (path) => path[depth] === ELEMENT);
  }

  #endsHere({ fitting }: Level): boolean {
    return this.#filter(fitting, ({ length }) => length === this.#levels.length) !== 0;
  }

  #filter(paths: number, condition: (path: JsonPath) => boolean): number {
    let kept = 0;
    if (paths === 0) return kept;
    for (const [index, path] of this.#paths.entries()) {
      if ((paths & (1 << index)) !== 0 && condition(path)) kept |= 1 << index;
    }
    return kept;
  }
}

/**
 * Where a string has its closing quote. The length of the chunk: behind it, and one more: behind it,
 * and the next byte is escaped.
 */
function stringEnd(chunk: Uint8Array, start: number): number {
  const { byteLength } = chunk;
  let at = start;
  while (at < byteLength && chunk[at] !== QUOTE) at += chunk[at] === BACKSLASH ? 2 : 1;
  return at;
}

/** What the bytes of a name say; null when it is malformed, or longer than any that matters. */
function nameOf(bytes: readonly number[]): string | null {
  if (bytes.length > MAX_NAME_BYTES) return null;
  if (bytes.every((byte) => byte < 0x80 && byte !== BACKSLASH)) {
    return String.fromCharCode(...bytes);
  }
  return parsedString(Uint8Array.from([QUOTE, ...bytes, QUOTE]));
}

/** What a string literal says, quotes included; null when it is malformed. */
function parsedString(literal: Uint8Array): string | null {
  try {
    const value: unknown = JSON.parse(UTF_8.decode(literal));
    return typeof value === "string" ? value : null;
  } catch {
    return null;
  }
}
