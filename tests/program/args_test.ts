import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { parseArgs, type ParsedArgs } from "../../src/main/args.ts";
import { COMMAND_MODULES } from "../../src/main/commands/command_modules.ts";
import { COMMANDS } from "../../src/main/commands/command_table.ts";
import { completionScript } from "../../src/main/commands/completion_scripts.ts";
import { runCli } from "./cli_support.ts";

function parsed(...args: string[]): ParsedArgs {
  return parseArgs(args, (name) => name === "CONFIG" ? "env.yaml" : undefined);
}

/** The problems of a command line, which must have some. */
function problems(...args: string[]): readonly string[] {
  const result = parsed(...args);
  assert(result.kind === "invalid", args.join(" "));
  return result.problems;
}

Deno.test("a run without a command is a run of serve", () => {
  const flags = ["-config", "a.yaml", "--listen", ":1", "--log-level=warn", "-offline"];
  assertEquals(parsed("serve", ...flags), parsed(...flags));
  assertEquals(parsed("-config", "a.yaml", "serve"), parsed("-config", "a.yaml"));
  assertEquals(parsed(), {
    kind: "run",
    configFile: "env.yaml",
    listen: null,
    logLevel: null,
    offline: false,
    watchConfig: false,
  });
});

Deno.test("commands take their flags and arguments in any order", () => {
  const expected: ParsedArgs = {
    kind: "command",
    name: "purge",
    arguments: ["/a", "/b"],
    flags: { config: "a.yaml", json: true, admin: "http://host:1" },
    configFile: "a.yaml",
  };
  const flags = ["--config", "a.yaml", "--json", "--admin=http://host:1"];
  assertEquals(parsed("purge", "/a", ...flags, "/b"), expected);
  assertEquals(parsed("purge", ...flags, "/a", "/b"), expected);
  assertEquals(parsed("--config", "a.yaml", "purge", "/a", "/b", ...flags.slice(2)), expected);
  assertEquals(parsed("prefetch", "-f", "-"), {
    kind: "command",
    name: "prefetch",
    arguments: [],
    flags: { file: "-" },
    configFile: "env.yaml",
  });
});

Deno.test("what is wrong is told in one line each, with the nearest word", () => {
  assertEquals(problems("stauts"), [
    'Cannot use argument "stauts": there is no such command; did you mean status?',
  ]);
  assertEquals(problems("constructor"), [
    'Cannot use argument "constructor": there is no such command; --help lists the commands',
  ]);
  assertEquals(problems("verify", "--repiar", "--json=yes", "x"), [
    'Cannot use flag "--repiar": it is unknown; did you mean --repair?',
    "Cannot use flag --json: it takes no value",
  ]);
  assertEquals(problems("verify", "x"), ['Cannot use argument "x": verify takes only flags']);
  assertEquals(problems("ls", "/a", "/b"), ['Cannot use argument "/b": ls takes no more than 1']);
  assertEquals(problems("ls", "/a", "/a"), ['Cannot use argument "/a": ls takes no more than 1']);
  assertEquals(problems("true").length, 1);
  assertEquals(problems("--offline", "true"), ["Cannot use flag --offline: it takes no value"]);
  assertEquals(problems("import"), [
    "Cannot import: <dir> is missing: holds what is to be at / of the cache",
  ]);
  assertEquals(problems("completion", "csh"), [
    'Cannot use shell "csh": it is none of bash, zsh, fish',
  ]);
  assertEquals(problems("--offline", "status"), [
    "Cannot use flag --offline before status: flags of a command follow its name",
  ]);
  assertEquals(problems("status", "--admin"), ["Cannot use flag --admin: its value is missing"]);
  assertEquals(problems("status", "--admin", "--json"), [
    "Cannot use flag --admin: its value is missing",
  ]);
  assertEquals(parsed("status", "--token=-x").kind, "command");
  assertEquals(problems("help", "stauts"), problems("stauts"));
});

Deno.test("each command has a module, and help with all of its flags and an example", () => {
  assertEquals(Object.keys(COMMAND_MODULES), COMMANDS.map(({ name }) => name));
  for (const { name, flags, examples } of COMMANDS) {
    const help = parsed(name, "--help");
    assert(help.kind === "help");
    assertEquals(parsed("help", name), help);
    assertEquals(parsed(name, "-h"), help);
    assertMatch(help.text, new RegExp(`^Usage: cache-proxy ${name} `));
    for (const flag of flags) assertStringIncludes(help.text, `--${flag.name} `);
    for (const [words] of examples) assertStringIncludes(help.text, `  cache-proxy ${words} `);
    assertEquals(help.text.split("\n").filter((line) => line.length > 100), [], name);
    for (const [words] of examples) {
      const [command = ""] = words.split(" > ");
      assertEquals(parsed(...command.split(" ")).kind, "command", words);
    }
  }
  const root = parsed("--help");
  assert(root.kind === "help");
  for (const { name } of COMMANDS) assertMatch(root.text, new RegExp(`^  ${name} {2,}\\w`, "m"));
});

Deno.test("the scripts for shells are printed; bash completes commands, flags and values", async () => {
  const { code, stdout } = await runCli(["completion", "bash"]);
  assertEquals([code, stdout], [0, completionScript("bash")]);
  const examples: readonly (readonly [words: readonly string[], completed: readonly string[]])[] = [
    [["ver"], ["verify"]],
    [["--off"], ["--offline"]],
    [["verify", "--re"], ["--repair"]],
    [["--config", "x", "prefetch", "--fi"], ["--file"]],
    [["completion", ""], ["bash", "zsh", "fish"]],
    [["status", "--admin", ""], []],
  ];
  for (const [words, completed] of examples) {
    const lines = [
      stdout,
      `COMP_WORDS=(cache-proxy ${words.map((word) => `'${word}'`).join(" ")})`,
      `COMP_CWORD=${words.length}`,
      "_cache_proxy",
      'printf "%s\\n" "${COMPREPLY[@]}"',
    ];
    const bash = new Deno.Command("bash", { args: ["-c", lines.join("\n")] });
    const output = await bash.output();
    assertEquals(new TextDecoder().decode(output.stderr), "");
    const found = new TextDecoder().decode(output.stdout).split("\n").filter(Boolean);
    assertEquals(found, completed, words.join(" "));
  }
});

Deno.test("the scripts for zsh and fish name every command and flag", () => {
  for (const shell of ["zsh", "fish"]) {
    const script = completionScript(shell);
    for (const { name, flags } of COMMANDS) {
      assertStringIncludes(script, name);
      for (const flag of flags) {
        assertStringIncludes(script, shell === "zsh" ? `--${flag.name}[` : `-l ${flag.name} `);
      }
    }
  }
});
