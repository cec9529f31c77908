import { RE2JS, RE2JSSyntaxException } from "re2js";
import type { Pattern } from "../types.ts";
import { showValue } from "./show_value.ts";

/** `$$`, `$name` and `${name}` of a replacement. Any other dollar stands for itself. */
const REFERENCE = /\$(?:\$|([\p{L}\p{Nd}_]+)|\{([\p{L}\p{Nd}_]+)\})/gu;

/** A name that Go takes for a group's number: no leading zero, within Go's bound of 10^8. */
const GROUP_NUMBER = /^(?:0|[1-9]\d{0,8})$/;

/** What Perl's regular expressions have and Go's have not, by how it begins. */
const NOT_IN_GO: readonly (readonly [start: RegExp, name: string])[] = [
  [/^\(\?[=!]/, "lookahead"],
  [/^\(\?<[=!]/, "lookbehind"],
  [/^\(\?>/, "an atomic group"],
  [/^\\[1-9k]/, "a back-reference"],
];

/**
 * A regular expression in Go's dialect: https://pkg.go.dev/regexp/syntax. Stricter in one point:
 * two groups of one name are refused.
 */
export class GoPattern implements Pattern {
  readonly source: string;
  readonly #regexp: RE2JS;
  readonly #groupNumbers: ReadonlyMap<string, number>;

  /** @throws {Error} When Go would refuse the expression; the message says why. */
  constructor(source: string) {
    this.source = source;
    this.#regexp = compile(source);
    this.#groupNumbers = new Map(Object.entries(this.#regexp.namedGroups()));
  }

  test(text: string): boolean {
    return this.#regexp.test(text);
  }

  /** See https://pkg.go.dev/regexp#Regexp.ReplaceAllString and `Expand` for the replacement. */
  replaceAll(text: string, replacement: string): string {
    const matcher = this.#regexp.matcher(text);
    let result = "";
    let copied = 0;
    while (matcher.find()) {
      const start = matcher.start();
      const end = matcher.end();
      // Go leaves out an empty match that touches the match before it.
      if (start === end && start === copied && start > 0) continue;
      result += text.slice(copied, start) +
        this.#expand(replacement, (group) => matcher.group(group) ?? "");
      copied = end;
    }
    return result + text.slice(copied);
  }

  capture(text: string): string | null {
    // Most paths do not match, and to find that out without groups is several times as fast.
    if (!this.test(text)) return null;
    const matcher = this.#regexp.matcher(text);
    return matcher.find() && this.hasGroup("1") ? matcher.group(1) ?? null : null;
  }

  /** Whether a reference `$name` or `${name}` of a replacement means a group of this expression. */
  hasGroup(name: string): boolean {
    return this.#groupNumber(name) !== null;
  }

  /** The references of a replacement that mean no group, and so are replaced by nothing. */
  unknownReferences(replacement: string): string[] {
    const references = [...replacement.matchAll(REFERENCE)].filter(([, bare, braced]) => {
      const name = bare ?? braced;
      return name !== undefined && !this.hasGroup(name);
    });
    return references.map(([reference]) => reference);
  }

  #expand(replacement: string, groupText: (group: number) => string): string {
    return replacement.replace(REFERENCE, (_, bare?: string, braced?: string) => {
      const name = bare ?? braced;
      if (name === undefined) return "$";
      const group = this.#groupNumber(name);
      return group === null ? "" : groupText(group);
    });
  }

  #groupNumber(name: string): number | null {
    if (!GROUP_NUMBER.test(name)) return this.#groupNumbers.get(name) ?? null;
    const group = Number(name);
    return group <= this.#regexp.groupCount() ? group : null;
  }
}

/**
 * Compiles a regular expression of the config file. It runs in linear time, whatever the text.
 *
 * @throws {Error} When Go would refuse the expression; the message says why.
 */
export function compilePattern(source: string): GoPattern {
  return new GoPattern(source);
}

function compile(source: string): RE2JS {
  try {
    return RE2JS.compile(source);
  } catch (error) {
    throw new Error(
      `Cannot compile regular expression ${showValue(source)}: ${explain(error)}`,
      { cause: error },
    );
  }
}

function explain(error: unknown): string {
  if (!(error instanceof RE2JSSyntaxException)) {
    return error instanceof Error ? error.message : String(error);
  }
  const where = error.getPattern() ?? "";
  const missing = NOT_IN_GO.find(([start]) => start.test(where));
  if (missing !== undefined) {
    return `${showValue(where)} is ${missing[1]}, which Go's regular expressions do not have`;
  }
  return where === "" ? error.getDescription() : `${error.getDescription()} ${showValue(where)}`;
}
