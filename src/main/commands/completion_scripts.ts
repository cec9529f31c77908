import type { ArgumentSpec, CommandSpec, FlagSpec } from "./command_spec.ts";
import { ALL_COMMANDS, SERVE_FLAGS } from "./command_table.ts";

/** Values of flags that are names of files. */
const FILE_VALUES: ReadonlySet<string> = new Set(["FILE", "LIST"]);

/** Arguments that are names of folders. */
const FOLDER_ARGUMENTS: ReadonlySet<string> = new Set(["dir"]);

/**
 * A script that completes the words of the command line, made from the table of commands.
 *
 * @param shell `bash`, `zsh` or `fish`.
 */
export function completionScript(shell: string): string {
  switch (shell) {
    case "bash":
      return bashScript();
    case "zsh":
      return zshScript();
    case "fish":
      return fishScript();
    default:
      throw new Error(`Cannot complete in "${shell}": it is none of bash, zsh, fish`);
  }
}

function bashScript(): string {
  const names = ALL_COMMANDS.map(({ name }) => name);
  const all = ALL_COMMANDS.flatMap(({ flags }) => flags);
  const files = dashed(all.filter(({ value }) => FILE_VALUES.has(value ?? "")));
  const others = dashed(all.filter(({ value }) => value !== null && !FILE_VALUES.has(value)));
  const cases = ALL_COMMANDS.map((command) => {
    const words = command.arguments.flatMap(({ choices = [] }) => choices).join(" ");
    const folders = command.arguments.some(isFolder) ? " folders=yes" : "";
    return `    ${command.name}) flags="${
      dashed(command.flags).join(" ")
    }" words="${words}"${folders} ;;`;
  });
  return `# bash completion for cache-proxy
_cache_proxy() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]}
  local command= flags= words= folders= i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      ${names.join("|")}) command=\${COMP_WORDS[i]}; break ;;
    esac
  done
  case $prev in
    ${
    files.join("|")
  }) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
    ${others.join("|")}) return ;;
  esac
  case $command in
    "") flags="${dashed(SERVE_FLAGS).join(" ")}" words="${names.join(" ")} help" ;;
${cases.join("\n")}
  esac
  if [[ $cur == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$flags" -- "$cur")
  elif [[ -n $folders ]]; then
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -d -- "$cur")
  else
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
  fi
}
complete -F _cache_proxy cache-proxy
`;
}

function zshScript(): string {
  const commands = ALL_COMMANDS.map(({ name, summary }) =>
    `    ${quoted(`${name}:${summary.replaceAll(":", "\\:")}`)}`
  );
  const cases = ALL_COMMANDS.map(({ name, flags, arguments: all }) => {
    const specs = [...flags.flatMap(zshFlag), ...all.map(zshArgument)];
    return `    ${name}) _arguments ${specs.join(" ")} ;;`;
  });
  return `#compdef cache-proxy
_cache_proxy() {
  local curcontext="$curcontext" state line
  local -a commands
  commands=(
${commands.join("\n")}
  )
  _arguments -C ${SERVE_FLAGS.flatMap(zshFlag).join(" ")} '1: :->command' '*:: :->rest'
  [[ $state == command ]] && _describe command commands
  [[ $state == rest ]] && case $words[1] in
${cases.join("\n")}
  esac
}
if [[ $funcstack[1] == _cache-proxy ]]; then
  _cache_proxy "$@"
else
  compdef _cache_proxy cache-proxy
fi
`;
}

function zshFlag({ name, short, value, summary }: FlagSpec): string[] {
  const help = summary.replace(/[[\]:]/g, "\\$&");
  const action = FILE_VALUES.has(value ?? "") ? "_files" : " ";
  const rest = `[${help}]${value === null ? "" : `:${value}:${action}`}`;
  return [`--${name}`, ...short === undefined ? [] : [`-${short}`]].map((it) => quoted(it + rest));
}

function zshArgument(argument: ArgumentSpec): string {
  const { name, isMany, choices } = argument;
  const action = choices !== undefined
    ? `(${choices.join(" ")})`
    : isFolder(argument)
    ? "_files -/"
    : " ";
  return quoted(`${isMany ? "*" : "1"}:${name}:${action}`);
}

function fishScript(): string {
  const lines = ["# fish completion for cache-proxy", "complete -c cache-proxy -f"];
  const names = ALL_COMMANDS.map(({ name }) => name).join(" ");
  const isFirst = `not __fish_seen_subcommand_from ${names}`;
  for (const flag of SERVE_FLAGS) lines.push(fishFlag(isFirst, flag));
  for (const command of ALL_COMMANDS) {
    const { name, summary } = command;
    lines.push(
      `complete -c cache-proxy -n ${quoted(isFirst)} -a ${name} -d ${quoted(summary)}`,
      ...fishCommand(command),
    );
  }
  return `${lines.join("\n")}\n`;
}

function fishCommand({ name, flags, arguments: all }: CommandSpec): string[] {
  const isOn = `__fish_seen_subcommand_from ${name}`;
  const on = `complete -c cache-proxy -n ${quoted(isOn)}`;
  const choices = all.flatMap(({ choices = [] }) => choices);
  return [
    ...flags.map((flag) => fishFlag(isOn, flag)),
    ...choices.length === 0 ? [] : [`${on} -a ${quoted(choices.join(" "))}`],
    ...all.some(isFolder) ? [`${on} -a '(__fish_complete_directories)'`] : [],
  ];
}

function fishFlag(condition: string, { name, short, value, summary }: FlagSpec): string {
  const files = FILE_VALUES.has(value ?? "") ? " -F" : "";
  return `complete -c cache-proxy -n ${quoted(condition)} -l ${name}` +
    `${short === undefined ? "" : ` -s ${short}`}${value === null ? "" : " -r"}${files}` +
    ` -d ${quoted(summary)}`;
}

function isFolder({ name }: ArgumentSpec): boolean {
  return FOLDER_ARGUMENTS.has(name);
}

/** Flags as they are typed, each once. */
function dashed(flags: readonly FlagSpec[]): string[] {
  const names = flags.flatMap(({ name, short }) => [
    `--${name}`,
    ...short === undefined ? [] : [`-${short}`],
  ]);
  return [...new Set(names)];
}

/** In single quotes, as all three shells take them. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
