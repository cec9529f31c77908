/** What a netrc file has for one host. */
export interface NetrcEntry {
  /** In lower case; null: the `default` entry, which is for every other host. */
  readonly machine: string | null;
  readonly login: string;
  readonly password: string;
}

/** A larger file is none that a person has written. */
const MAX_NETRC_UNITS = 1024 * 1024;

/** A token of the file: a word, or a text in quotes in which a backslash takes the next character. */
const TOKEN = /"((?:[^"\\]|\\.)*)"|(\S+)/gs;

/**
 * Reads a netrc file (the format of ftp(1)): `machine NAME login USER password WORD`, `default`
 * last, `account` and `macdef` read over, `#` begins a comment where a token could begin.
 *
 * @throws {Error} When it cannot be read; no message repeats what stands in it.
 */
export function parseNetrc(text: string): readonly NetrcEntry[] {
  if (text.length > MAX_NETRC_UNITS) throw new Error("it is too large to be a netrc file");
  const tokens = tokensOf(text);
  const entries: NetrcEntry[] = [];
  for (let at = 0; at < tokens.length;) {
    const word = tokens[at++];
    if (word !== "machine" && word !== "default") {
      throw new Error(`expected machine or default, entry ${entries.length + 1} begins otherwise`);
    }
    const machine = word === "default" ? null : tokens[at++];
    if (machine === undefined) throw new Error("the last machine has no name");
    const fields = new Map<string, string>();
    while (at < tokens.length && /^(?:login|password|account)$/.test(tokens[at] ?? "")) {
      const [name = "", value] = [tokens[at], tokens[at + 1]];
      if (value === undefined) throw new Error(`the last ${name} has no value`);
      fields.set(name, value);
      at += 2;
    }
    const [login = "", password = ""] = [fields.get("login"), fields.get("password")];
    entries.push({ machine: machine?.toLowerCase() ?? null, login, password });
  }
  return entries;
}

/** The entry for a host: its own, else `default`; null without both. */
export function netrcEntryFor(
  hostname: string,
  entries: readonly NetrcEntry[],
): NetrcEntry | null {
  const own = entries.find(({ machine }) => machine === hostname.toLowerCase());
  return own ?? entries.find(({ machine }) => machine === null) ?? null;
}

function tokensOf(text: string): readonly string[] {
  const tokens: string[] = [];
  // A macro goes up to the next empty line, whatever stands in it.
  const plain = text.replaceAll("\r\n", "\n")
    .replace(/(^|\n)[ \t]*macdef\b[^\n]*\n(?:[^\n]+(?:\n|$))*/g, "$1");
  for (const line of plain.split("\n")) {
    for (const [token, quoted, word] of line.matchAll(TOKEN)) {
      if (word?.startsWith("#") && !isValue(tokens)) break;
      tokens.push(quoted === undefined ? token : quoted.replace(/\\(.)/gs, "$1"));
    }
  }
  return tokens;
}

/** Whether the next token is a value: a password may begin with `#`. */
function isValue(tokens: readonly string[]): boolean {
  return /^(?:machine|login|password|account)$/.test(tokens.at(-1) ?? "");
}
