/** What the command line asks for. */
export interface BenchOptions {
  /** Only what the check for regressions needs, compared with the committed results. */
  readonly isQuick: boolean;
  /** Names of works; null: all. */
  readonly only: readonly string[] | null;
  /** Names of contestants; null: all. */
  readonly peers: readonly string[] | null;
  readonly rounds: number;
  /** Of a turn under load. */
  readonly seconds: number;
  readonly workers: number;
  /** Whether results are written. */
  readonly isDry: boolean;
}

/** How the tool is used. */
export const USAGE = `Usage: deno task bench [OPTION]…

  --quick               compare a few works with the committed results; fails on a clear loss
  --only NAME[,NAME]    these works
  --peers NAME[,NAME]   these contestants
  --rounds N            turns of each contestant (5; with --quick 3)
  --seconds N           length of a turn under load (5; with --quick 2)
  --workers N           processes that serve, ours and nginx's (1)
  --dry                 write no results
`;

const DEFAULTS = { rounds: 5, seconds: 5, workers: 1 };
const QUICK_DEFAULTS = { ...DEFAULTS, rounds: 3, seconds: 2 };

/** @throws {TypeError} When the command line is wrong. */
export function parseOptions(args: readonly string[]): BenchOptions {
  const rest = [...args];
  const lists: Record<string, string[]> = {};
  const numbers: Record<string, number> = {};
  const flags = new Set<string>();
  for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
    if (name === "--quick" || name === "--dry") flags.add(name);
    else if (name === "--only" || name === "--peers") lists[name] = wordsAfter(name, rest.shift());
    else if (name === "--rounds" || name === "--seconds" || name === "--workers") {
      numbers[name] = numberAfter(name, rest.shift());
    } else throw new TypeError(`Cannot read the command line: unknown option "${name}"`);
  }
  const defaults = flags.has("--quick") ? QUICK_DEFAULTS : DEFAULTS;
  return {
    isQuick: flags.has("--quick"),
    isDry: flags.has("--dry"),
    only: lists["--only"] ?? null,
    peers: lists["--peers"] ?? null,
    rounds: numbers["--rounds"] ?? defaults.rounds,
    seconds: numbers["--seconds"] ?? defaults.seconds,
    workers: numbers["--workers"] ?? defaults.workers,
  };
}

function wordsAfter(name: string, value: string | undefined): string[] {
  if (value === undefined) throw new TypeError(`Cannot read the command line: ${name} of what?`);
  return value.split(",");
}

function numberAfter(name: string, value: string | undefined): number {
  const number = Number(value);
  if (Number.isInteger(number) && number > 0) return number;
  throw new TypeError(
    `Cannot read the command line: ${name} takes a number over 0, not "${value}"`,
  );
}
