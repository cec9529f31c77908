import { closestString, levenshteinDistance } from "@std/text";
import type { CommandSpec, FlagSpec } from "./command_spec.ts";
import { ALL_COMMANDS, SERVE } from "./command_table.ts";
import type { FoundCommand } from "./command_tree.ts";

/** How far a mistyped word may be from the one that we suggest. */
const MAX_TYPO_DISTANCE = 3;

/**
 * All that is wrong with a command line, one line each; empty when nothing is.
 *
 * @param args As they were typed.
 */
export function usageProblems(found: FoundCommand, args: readonly string[]): string[] {
  const { spec, values, outerValues } = found;
  const turnedOff = args.flatMap((arg, at) => flagTurnedOff(arg, args[at + 1], spec.flags));
  const problems = [
    ...[...values, ...outerValues].flatMap(([name, given]) => valueProblems(name, given, args)),
    ...outerProblems(found),
    ...turnedOff,
    ...restProblems(found, turnedOff.length > 0),
    ...missingWords(found),
  ];
  return [...new Set(problems)];
}

/** What was given beside flags. */
export function wordsOf({ rest }: FoundCommand): string[] {
  return rest.filter((arg) => !isFlag(arg));
}

/** Says that there is no command of this name, and which was meant, maybe. */
export function unknownCommand(word: string): string {
  const hint = nearest(word, ALL_COMMANDS.map(({ name }) => name), "");
  return `Cannot use argument "${word}": there is no such command${
    hint ?? "; --help lists the commands"
  }`;
}

/** A flag that takes a value has one, and takes no other flag for it. */
function valueProblems(
  name: string,
  given: readonly string[],
  args: readonly string[],
): string[] {
  if (given.length > 1) return [`Cannot use flag --${name}: it is given twice`];
  const [value] = given;
  // Behind an equals sign it can be nothing else: a token may begin with a dash.
  const isMeant = args.some((arg) => arg.startsWith("-") && arg.endsWith(`${name}=${value}`));
  const isMissing = value !== undefined && (value === "" || (isFlag(value) && !isMeant));
  return isMissing ? [`Cannot use flag --${name}: its value is missing`] : [];
}

/** What may stand before a command is what all of them take: where the config is. */
function outerProblems({ spec, outerValues }: FoundCommand): string[] {
  const known = new Set(spec.flags.map(({ name }) => name));
  return [...outerValues.keys()].flatMap((name) =>
    spec.name === SERVE || (name === "config" && known.has(name))
      ? []
      : [`Cannot use flag --${name} before ${spec.name}: flags of a command follow its name`]
  );
}

/** `--offline false`: the word behind the flag is meant to turn it off. */
function flagTurnedOff(
  arg: string,
  next: string | undefined,
  flags: readonly FlagSpec[],
): readonly string[] {
  if (!isFlag(arg) || !isTruth(next)) return [];
  const name = arg.replace(/^--?/, "");
  const isOne = flags.some((flag) => flag.name === name && flag.value === null);
  return isOne ? [`Cannot use flag --${name}: it takes no value`] : [];
}

/** What is left are flags that are unknown, flags with a value that take none, and words. */
function restProblems({ spec, rest }: FoundCommand, isTurnedOff: boolean): string[] {
  let words = 0;
  return rest.flatMap((arg, at) => {
    if (isFlag(arg)) return [flagProblem(arg, spec.flags)];
    const place = words++;
    // Very likely the value of the flag before it, which is told already.
    if (isFlag(rest[at - 1] ?? "") || (isTurnedOff && isTruth(arg))) return [];
    return wordProblems(spec, arg, place);
  });
}

function missingWords(found: FoundCommand): string[] {
  const { spec } = found;
  const given = wordsOf(found).length;
  return spec.arguments.filter(({ isRequired }, at) => isRequired && at >= given)
    .map(({ name, summary }) => `Cannot ${spec.name}: <${name}> is missing: ${summary}`);
}

/** Standard input is `-`. */
function isFlag(arg: string): boolean {
  return /^-./.test(arg);
}

function isTruth(word: string | undefined): boolean {
  return word === "true" || word === "false";
}

function wordProblems(spec: CommandSpec, word: string, place: number): readonly string[] {
  const last = spec.arguments.at(-1);
  const argument = spec.arguments[place] ?? (last?.isMany ? last : undefined);
  if (argument === undefined) {
    if (spec.name === SERVE) return [unknownCommand(word)];
    const count = spec.arguments.length;
    const takes = count === 0 ? "only flags" : `no more than ${count}`;
    return [`Cannot use argument "${word}": ${spec.name} takes ${takes}`];
  }
  const { choices } = argument;
  if (choices === undefined || choices.includes(word)) return [];
  return [`Cannot use ${argument.name} "${word}": it is none of ${choices.join(", ")}`];
}

function flagProblem(arg: string, flags: readonly FlagSpec[]): string {
  const name = arg.replace(/^-+/, "").replace(/=.*$/s, "");
  if (flags.some((flag) => flag.name === name && flag.value === null)) {
    return `Cannot use flag --${name}: it takes no value`;
  }
  const hint = nearest(name, flags.map((flag) => flag.name), "--") ?? "; --help lists the flags";
  return `Cannot use flag "${arg}": it is unknown${hint}`;
}

/** null: nothing that is known is near. */
function nearest(word: string, known: readonly string[], dashes: string): string | null {
  const near = closestString(word, known);
  return levenshteinDistance(word, near) <= MAX_TYPO_DISTANCE
    ? `; did you mean ${dashes}${near}?`
    : null;
}
