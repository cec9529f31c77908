import { Command, Option } from "commander";
import type { CommandSpec, FlagSpec } from "./command_spec.ts";
import { ALL_COMMANDS, COMMANDS, SERVE, SERVE_FLAGS, SERVE_SPEC } from "./command_table.ts";

/** What was found on the command line, not yet checked. */
export interface FoundCommand {
  readonly spec: CommandSpec;
  /** By name: all values that a flag was given; empty for one that takes none. */
  readonly values: ReadonlyMap<string, readonly string[]>;
  /** What stood before the command's name, in the same form. */
  readonly outerValues: ReadonlyMap<string, readonly string[]>;
  /** What is no flag that is known. */
  readonly rest: readonly string[];
}

/**
 * Reads the command line with the table of commands. What is unknown is not refused here but given
 * back, so that all of it can be told at once.
 *
 * @throws {CommanderError} When the value of the last flag is missing.
 */
export function findCommand(args: readonly string[]): FoundCommand {
  let found: FoundCommand | null = null;
  const root = commandOf("cache-proxy", SERVE_FLAGS);
  const outer = (): FoundCommand["outerValues"] => valuesOf(root);
  root.enablePositionalOptions().action(() => {
    found = { spec: SERVE_SPEC, values: outer(), outerValues: new Map(), rest: root.args };
  });
  for (const spec of ALL_COMMANDS) {
    const command = commandOf(spec.name, spec.flags);
    command.action(() => {
      found = { spec, values: valuesOf(command), outerValues: outer(), rest: command.args };
    });
    root.addCommand(command);
  }
  root.parse([...args], { from: "user" });
  if (found === null) throw new Error("Cannot read the command line: no command took it");
  return found;
}

/** The help of a command, or of the program as a whole. */
export function helpOf(name: string | null): string {
  const spec = name === null ? SERVE_SPEC : ALL_COMMANDS.find((it) => it.name === name);
  if (spec === undefined) throw new Error(`Cannot help with "${name}": there is no such command`);
  const command = described(name === null ? "cache-proxy" : `cache-proxy ${name}`, spec);
  if (name === null) {
    command.description(
      "cache-proxy: a mirror cache that races mirrors and streams while it saves",
    );
    command.usage("[flags]\n       cache-proxy <command> [flags]");
    for (const { name, summary } of ALL_COMMANDS) {
      command.addCommand(new Command(name).description(summary).usage(" "));
    }
  }
  const help = command.helpInformation().replace(/^Options:$/m, "Flags:").trimEnd();
  const examples = name === null ? ROOT_EXAMPLES : spec.examples;
  return [help, "", "Examples:", ...exampleLines(examples), "", ...closing(name, spec)].join("\n");
}

const ROOT_EXAMPLES: CommandSpec["examples"] = [
  ["--config /etc/cache-proxy.yaml", "run the proxy"],
  ...COMMANDS.flatMap(({ examples }) => examples.slice(0, 1)),
];

function exampleLines(examples: CommandSpec["examples"]): string[] {
  const width = Math.max(...examples.map(([words]) => words.length));
  return examples.map(([words, effect]) => `  cache-proxy ${words.padEnd(width)}  # ${effect}`);
}

function closing(name: string | null, { details }: CommandSpec): string[] {
  if (name !== null) return [];
  return [details, "cache-proxy <command> --help tells more of each.", ""];
}

function described(name: string, spec: CommandSpec): Command {
  const command = commandOf(name, spec.flags);
  const text = `${spec.summary[0]?.toUpperCase()}${spec.summary.slice(1)}.`;
  command.description(`${text} ${spec.details}`.trimEnd());
  for (const { name, isRequired, isMany, summary } of spec.arguments) {
    const many = isMany ? "..." : "";
    command.argument(isRequired ? `<${name}${many}>` : `[${name}${many}]`, summary);
  }
  command.usage(
    [...command.registeredArguments.map((it) => usageOf(it)), "[flags]"].join(" "),
  );
  return command;
}

function usageOf(argument: Command["registeredArguments"][number]): string {
  const name = argument.name() + (argument.variadic ? "..." : "");
  return argument.required ? `<${name}>` : `[${name}]`;
}

function commandOf(name: string, flags: readonly FlagSpec[]): Command {
  const command = new Command(name)
    .helpOption(false)
    .helpCommand(false)
    .allowUnknownOption()
    .allowExcessArguments()
    .exitOverride()
    .configureOutput({ writeErr: () => {}, getOutHelpWidth: () => 100 })
    .configureHelp({ optionDescription: ({ description }) => description });
  for (const { name, short, value, summary } of flags) {
    const names = `${short === undefined ? "" : `-${short}, `}--${name}`;
    const option = new Option(value === null ? names : `${names} <${value}>`, summary);
    // All that were given, so that one that is given twice is noticed.
    if (value !== null) option.argParser<string[]>((text, known = []) => [...known, text]);
    command.addOption(option);
  }
  return command;
}

function valuesOf(command: Command): ReadonlyMap<string, readonly string[]> {
  const options: Record<string, unknown> = command.opts();
  const values = new Map<string, readonly string[]>();
  for (const option of command.options) {
    const value = options[option.attributeName()];
    const name = option.name();
    if (Array.isArray(value)) values.set(name, value.map(String));
    else if (value === true) values.set(name, []);
  }
  return values;
}

/** Whether a run without a command's name is meant. */
export function isServe({ spec }: FoundCommand): boolean {
  return spec.name === SERVE;
}
