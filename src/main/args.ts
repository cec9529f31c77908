import { parseArgs as parse } from "@std/cli";
import { closestString, levenshteinDistance } from "@std/text";

/** What the command line and the environment say; null where they say nothing. */
export interface Args {
  readonly kind: "run";
  readonly configFile: string;
  readonly listen: { readonly address: string; readonly port: number } | null;
  readonly logLevel: string | null;
  /** Whether no upstream may be asked, whatever the file says. */
  readonly offline: boolean;
  /** Whether a change of the config file is applied at once. */
  readonly watchConfig: boolean;
}

/** The command line as understood. `invalid` holds all problems, one line each. */
export type ParsedArgs =
  | Args
  | { readonly kind: "help" }
  | { readonly kind: "version" }
  | { readonly kind: "invalid"; readonly problems: readonly string[] };

const STRING_FLAGS = ["config", "listen", "log-level"] as const;
const BOOLEAN_FLAGS = ["offline", "watch-config", "help", "version"] as const;
const FLAGS: readonly string[] = [...STRING_FLAGS, ...BOOLEAN_FLAGS];

/** How far a mistyped flag may be from the one that we suggest. */
const MAX_TYPO_DISTANCE = 3;

/** What `--help` prints. */
export const HELP = `cache-proxy: a mirror cache that races mirrors and streams while it saves

Usage: cache-proxy [flags]

  --config FILE       configuration (env CONFIG; default config.yaml)
  --listen HOST:PORT  where clients connect, in place of listen.* of the file
  --log-level LEVEL   trace, debug, info, warn or error (env LOG_LEVEL)
  --offline           ask no mirror, serve what is stored
  --watch-config      apply the configuration again when its file changes
  --help              print this
  --version           print the version

Flags beat the environment, the environment beats the file.
`;

/** Reads the flags; `-config` and its like, as the Go program had them, work too. */
export function parseArgs(
  args: readonly string[],
  env: (name: string) => string | undefined,
): ParsedArgs {
  const problems: string[] = [];
  const flags = parse(args.map(withTwoDashes), {
    string: STRING_FLAGS,
    boolean: BOOLEAN_FLAGS,
    alias: { help: "h" },
    unknown: (arg) => {
      problems.push(describeUnknown(arg));
      return false;
    },
  });
  if (flags["help"] === true) return { kind: "help" };
  if (flags["version"] === true) return { kind: "version" };
  for (const name of STRING_FLAGS) {
    if (flags[name] === "") problems.push(`Cannot use flag --${name}: its value is missing`);
    if (Array.isArray(flags[name])) problems.push(`Cannot use flag --${name}: it is given twice`);
  }
  for (const name of BOOLEAN_FLAGS) {
    const isOff = flags[name] === false;
    if (hasValue(name, isOff, args)) problems.push(`Cannot use flag --${name}: it takes no value`);
  }
  const listenText = stringOf(flags["listen"]);
  const listen = listenText === null ? null : parseListen(listenText);
  if (listenText !== null && listen === null) {
    problems.push(`Cannot use --listen "${listenText}": it is not HOST:PORT`);
  }
  if (problems.length > 0) return { kind: "invalid", problems };
  return {
    kind: "run",
    configFile: stringOf(flags["config"]) ?? stringOf(env("CONFIG")) ?? "config.yaml",
    listen,
    logLevel: stringOf(flags["log-level"]) ?? stringOf(env("LOG_LEVEL")),
    offline: flags["offline"] === true,
    watchConfig: flags["watch-config"] === true,
  };
}

function withTwoDashes(arg: string): string {
  const name = /^-([a-z][a-z-]+)(?:=|$)/.exec(arg)?.[1];
  return name !== undefined && FLAGS.includes(name) ? `-${arg}` : arg;
}

/** Whether a flag that takes no value has one: `--name=no`, or `--name false`, which turns it off. */
function hasValue(name: string, isOff: boolean, args: readonly string[]): boolean {
  const flags = args.map(withTwoDashes);
  return flags.some((flag) => flag.startsWith(`--${name}=`)) ||
    (isOff && flags.includes(`--${name}`));
}

function describeUnknown(arg: string): string {
  if (!arg.startsWith("-")) return `Cannot use argument "${arg}": only flags are understood`;
  const name = arg.replace(/^-+/, "").replace(/=.*$/s, "");
  const near = closestString(name, FLAGS);
  const hint = levenshteinDistance(name, near) <= MAX_TYPO_DISTANCE
    ? `; did you mean --${near}?`
    : "; --help lists the flags";
  return `Cannot use flag "${arg}": it is unknown${hint}`;
}

/** `HOST:PORT`, `[IPv6]:PORT`, or `:PORT` for all addresses; null when it is none of them. */
function parseListen(text: string): { address: string; port: number } | null {
  const groups = /^(?:\[(?<v6>[0-9a-fA-F:.]+)\]|(?<host>[^:[\]]*)):(?<port>\d{1,5})$/.exec(text)
    ?.groups;
  const port = Number(groups?.["port"]);
  if (groups === undefined || port > 65535) return null;
  return { address: groups["v6"] ?? (groups["host"] || "0.0.0.0"), port };
}

function stringOf(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}
