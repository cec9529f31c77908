import { assert, assertEquals } from "@std/assert";
import { ALL_COMMANDS, SERVE_FLAGS } from "../../src/main/commands/command_table.ts";
import type { FlagSpec } from "../../src/main/commands/command_spec.ts";
import manifest from "../../deno.json" with { type: "json" };
import { allPages, codeBlocks, codeSpans, OPERATOR_PAGES, readProject } from "./pages.ts";

/** Flags that pages name in prose and that are other programs'. */
const FOREIGN_FLAGS: ReadonlySet<string> = new Set(["stop-timeout"]);

/** What follows `cache-proxy` wherever a page runs it. */
function invocations(page: string): string[][] {
  const scripts = codeBlocks(page).filter(({ language }) => language === "sh");
  const lines = scripts.flatMap(({ text }) => text.replaceAll("\\\n", " ").split("\n"));
  const commands = [...lines, ...codeSpans(page)].flatMap((line) =>
    line.replace(/ #.*$/, "").split(/&&|\||;/)
  );
  return commands.map((command) => command.trim().split(/\s+/))
    .filter(([program]) => program === "cache-proxy")
    .map(([, ...args]) => args)
    .filter((args) => args.length > 0);
}

/** What is wrong with the words behind `cache-proxy`; null: nothing. */
function problemOf(args: readonly string[]): string | null {
  const [first = "", ...rest] = args;
  const spec = ALL_COMMANDS.find(({ name }) => name === first);
  if (spec === undefined && !first.startsWith("-")) return `no command ${first}`;
  const flags = spec === undefined ? SERVE_FLAGS : spec.flags;
  const named = (spec === undefined ? args : rest).filter((arg) =>
    arg.startsWith("-") && arg !== "-"
  );
  const unknown = named.filter((arg) => !isFlag(arg, flags));
  return unknown.length === 0 ? null : `${args.join(" ")}: no flag ${unknown.join(" ")}`;
}

function isFlag(arg: string, flags: readonly FlagSpec[]): boolean {
  const name = arg.replace(/^--?/, "").replace(/=.*$/, "");
  return flags.some((flag) => flag.name === name || (flag.short === name && !arg.startsWith("--")));
}

Deno.test("what is wrong with an invocation is noticed", () => {
  assertEquals(problemOf(["check", "--config", "F"]), null);
  assertEquals(problemOf(["--config", "F"]), null);
  assertEquals(problemOf(["chek"]), "no command chek");
  assertEquals(problemOf(["check", "--repair"]), "check --repair: no flag --repair");
  assertEquals(problemOf(["--repair"]), "--repair: no flag --repair");
});

Deno.test("the pages for operators run cache-proxy with commands and flags that it has", async () => {
  let count = 0;
  for (const page of OPERATOR_PAGES) {
    const found = invocations(await readProject(page));
    count += found.length;
    assertEquals(found.map(problemOf).filter((it) => it !== null), [], page);
  }
  assert(count > 10, `only ${count} were found`);
});

Deno.test("every flag that the pages for operators name is one", async () => {
  const flags = ALL_COMMANDS.flatMap((it) => it.flags);
  for (const page of OPERATOR_PAGES) {
    const spans = codeSpans(await readProject(page));
    const named = spans.flatMap((span) =>
      /^--?([a-z][a-z-]{2,})(?:[ =].*)?$/.exec(span)?.[1] ?? []
    );
    const unknown = named.filter((name) => !FOREIGN_FLAGS.has(name) && !isFlag(`--${name}`, flags));
    assertEquals(unknown, [], page);
  }
});

Deno.test("every task that the pages name is in deno.json", async () => {
  const tasks: ReadonlySet<string> = new Set(Object.keys(manifest.tasks));
  let count = 0;
  for (const page of allPages()) {
    for (
      const [, name = ""] of (await readProject(page)).matchAll(/deno(?:@[\d.]+)? task ([\w:-]+)/g)
    ) {
      count++;
      assert(tasks.has(name), `${page}: deno task ${name}`);
    }
  }
  assert(count > 3, `only ${count} were found`);
});
