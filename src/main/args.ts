import { CommanderError } from "commander";
import type { CommandCall } from "./commands/command_spec.ts";
import { ALL_COMMANDS } from "./commands/command_table.ts";
import { findCommand, type FoundCommand, helpOf, isServe } from "./commands/command_tree.ts";
import { unknownCommand, usageProblems, wordsOf } from "./commands/usage_problems.ts";

/** What the command line and the environment say of a proxy; null where they say nothing. */
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

/** A command other than `serve`. */
export interface CommandArgs extends Pick<CommandCall, "arguments" | "flags" | "configFile"> {
  readonly kind: "command";
  readonly name: string;
}

/** The command line as understood. `invalid` holds all problems, one line each. */
export type ParsedArgs =
  | Args
  | CommandArgs
  | { readonly kind: "help"; readonly text: string }
  | { readonly kind: "version" }
  | { readonly kind: "invalid"; readonly problems: readonly string[] };

/** What the Go program took with one dash, and all that came since. */
const LONG_NAMES: ReadonlySet<string> = new Set(
  ALL_COMMANDS.flatMap(({ flags }) => flags.map(({ name }) => name)),
);

/** Reads the command line; `-config` and its like, as the Go program had them, work too. */
export function parseArgs(
  args: readonly string[],
  env: (name: string) => string | undefined,
): ParsedArgs {
  const [first, topic] = args;
  if (first === "help") return help(topic ?? null);
  let found: FoundCommand;
  try {
    found = findCommand(withTwoDashes(args));
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    const flag = /--[a-z-]+/.exec(error.message)?.[0] ?? "";
    return { kind: "invalid", problems: [`Cannot use flag ${flag}: its value is missing`] };
  }
  const { spec, values, outerValues } = found;
  // As in the Go program, whatever else there is.
  if (values.has("help")) return help(isServe(found) && first !== spec.name ? null : spec.name);
  if (outerValues.has("help")) return help(spec.name);
  if (values.has("version")) return { kind: "version" };
  const problems = usageProblems(found, args);
  // A flag before the command and one behind it do not contradict each other: the nearer counts.
  const flags = flagsOf(new Map([...outerValues, ...values]));
  const configFile = textOf(flags["config"]) ?? textOf(env("CONFIG")) ?? "config.yaml";
  if (!isServe(found)) {
    if (problems.length > 0) return { kind: "invalid", problems };
    return { kind: "command", name: spec.name, arguments: wordsOf(found), flags, configFile };
  }
  const listenText = textOf(flags["listen"]);
  const listen = listenText === null ? null : parseListen(listenText);
  if (listenText !== null && listen === null) {
    problems.push(`Cannot use --listen "${listenText}": it is not HOST:PORT`);
  }
  if (problems.length > 0) return { kind: "invalid", problems };
  return {
    kind: "run",
    configFile,
    listen,
    logLevel: textOf(flags["log-level"]) ?? textOf(env("LOG_LEVEL")),
    offline: flags["offline"] === true,
    watchConfig: flags["watch-config"] === true,
  };
}

function help(topic: string | null): ParsedArgs {
  if (topic === null || ALL_COMMANDS.some(({ name }) => name === topic)) {
    return { kind: "help", text: helpOf(topic) };
  }
  return { kind: "invalid", problems: [unknownCommand(topic)] };
}

/** The flags of the Go program have one dash, and `-h` is what people try. */
function withTwoDashes(args: readonly string[]): string[] {
  const end = args.indexOf("--");
  return args.map((arg, at) => {
    if (end !== -1 && at > end) return arg;
    if (arg === "-h") return "--help";
    const name = /^-([a-z][a-z-]+)(?:=|$)/.exec(arg)?.[1];
    return name !== undefined && LONG_NAMES.has(name) ? `-${arg}` : arg;
  });
}

function flagsOf(values: FoundCommand["values"]): CommandArgs["flags"] {
  const entries = [...values].map(([name, given]) => [name, given.at(-1) ?? true] as const);
  return Object.fromEntries(entries);
}

/** `HOST:PORT`, `[IPv6]:PORT`, or `:PORT` for all addresses; null when it is none of them. */
function parseListen(text: string): { address: string; port: number } | null {
  const groups = /^(?:\[(?<v6>[0-9a-fA-F:.]+)\]|(?<host>[^:[\]]*)):(?<port>\d{1,5})$/.exec(text)
    ?.groups;
  const port = Number(groups?.["port"]);
  if (groups === undefined || port > 65535) return null;
  return { address: groups["v6"] ?? (groups["host"] || "0.0.0.0"), port };
}

function textOf(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}
