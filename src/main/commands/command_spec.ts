import type { Terminal } from "./terminal.ts";

/** A flag of a command, as it is described and completed. */
export interface FlagSpec {
  /** Without its dashes. */
  readonly name: string;
  /** One letter that stands for it. */
  readonly short?: string;
  /** What stands for its value in the help; null: it takes none. */
  readonly value: string | null;
  readonly summary: string;
}

/** What follows the name of a command, beside flags. */
export interface ArgumentSpec {
  /** As in the help. */
  readonly name: string;
  readonly isRequired: boolean;
  /** Whether there may be several; only the last one of a command. */
  readonly isMany: boolean;
  readonly summary: string;
  /** All that it can be; without it, anything. */
  readonly choices?: readonly string[];
}

/** A command, as it is described, completed and found. */
export interface CommandSpec {
  readonly name: string;
  /** One line without a period. */
  readonly summary: string;
  /** Further sentences for its own help. */
  readonly details: string;
  readonly arguments: readonly ArgumentSpec[];
  readonly flags: readonly FlagSpec[];
  /** What to type after `cache-proxy`, and what it does. */
  readonly examples: readonly (readonly [words: string, effect: string])[];
}

/** The module of a command. */
export interface CommandModule {
  /**
   * Does it, and returns the exit code.
   *
   * @throws {CommandError} Told to the user, with its exit code.
   */
  run(call: CommandCall): Promise<number>;
}

/** What the user has typed, and where the answer goes. */
export interface CommandCall {
  /** What was given beside flags, checked against the command's arguments. */
  readonly arguments: readonly string[];
  /** By name, each once; what takes no value is `true`. */
  readonly flags: Readonly<Record<string, string | true>>;
  readonly configFile: string;
  /** Of this program. */
  readonly version: string;
  readonly env: (name: string) => string | undefined;
  readonly terminal: Terminal;
  /** Whether a program reads the answer. */
  readonly json: boolean;
}

/** The value of a flag that takes one; null: it was not given. */
export function flagText({ flags }: CommandCall, name: string): string | null {
  const value = flags[name];
  return typeof value === "string" ? value : null;
}
