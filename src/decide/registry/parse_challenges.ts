/** One way to authenticate that a server offers. */
export interface Challenge {
  /** Lower case. */
  readonly scheme: string;
  /** By lower-case name, quotes and escapes undone; the first of a name counts. */
  readonly params: ReadonlyMap<string, string>;
}

/** Beyond it nothing is read, in UTF-16 units: servers say what they want in a few hundred. */
const MAX_CHALLENGE_UNITS = 8192;

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const SEPARATORS = /[ \t,]*/y;
const PARAM = new RegExp(`(${TOKEN})[ \\t]*=[ \\t]*(?:"((?:[^"\\\\]|\\\\.)*)"|(${TOKEN}))`, "y");
const WITH_TOKEN68 = new RegExp(`(${TOKEN}) +[\\w.~+/-]+=*(?=[ \\t]*(?:,|$))`, "y");
const SCHEME = new RegExp(`(${TOKEN})(?=[ \\t,]|$)`, "y");

/**
 * Reads a `WWW-Authenticate` field, several of them joined by commas included (RFC 9110 section
 * 11.6.1). What follows something that is no challenge is left out.
 */
export function parseChallenges(value: string): readonly Challenge[] {
  const text = value.slice(0, MAX_CHALLENGE_UNITS);
  const challenges: { scheme: string; params: Map<string, string> }[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match !== null) at = pattern.lastIndex;
    return match;
  };
  for (;;) {
    take(SEPARATORS);
    const current = challenges.at(-1);
    const param = current === undefined ? null : take(PARAM);
    if (current !== undefined && param !== null) {
      const [, name = "", quoted, token = ""] = param;
      const key = name.toLowerCase();
      const read = quoted === undefined ? token : quoted.replaceAll(/\\(.)/g, "$1");
      if (!current.params.has(key)) current.params.set(key, read);
      continue;
    }
    const scheme = (take(WITH_TOKEN68) ?? take(SCHEME))?.[1];
    if (scheme === undefined) return challenges;
    challenges.push({ scheme: scheme.toLowerCase(), params: new Map() });
  }
}
