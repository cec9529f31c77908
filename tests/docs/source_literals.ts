import { projectPath } from "./pages.ts";

/** Stands for what varies. */
export const VARYING = "…";

const LITERAL = /"(?:[^"\\\n]|\\.)*"|`(?:[^`\\\n]|\\.)*`/.source;
/** Literals that `+` joins, also over the ends of lines. */
const JOINED = new RegExp(String.raw`(?:${LITERAL})(?:\s*\+\s*(?:${LITERAL}))*`, "g");

/**
 * All string literals of the program, with `…` for the values that log messages and templates have
 * in them. A look at the text, not a parser: what it takes for a literal in a comment does no harm.
 */
export function sourceLiterals(): ReadonlySet<string> {
  const found = new Set<string>();
  for (const file of [projectPath("main.ts"), ...sourceFiles(projectPath("src"))]) {
    for (const [joined] of Deno.readTextFileSync(file).matchAll(JOINED)) {
      const parts = joined.match(new RegExp(LITERAL, "g")) ?? [];
      found.add(parts.map(textOf).join(""));
    }
  }
  return found;
}

function textOf(literal: string): string {
  const text = literal.slice(1, -1).replaceAll(/\\(["`\\])/g, "$1");
  return literal.startsWith("`")
    ? text.replaceAll(/\$\{(?:[^{}]|\{[^{}]*\})*\}/g, VARYING)
    : text.replaceAll(/\{\w+\}/g, VARYING);
}

function* sourceFiles(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (isDirectory) yield* sourceFiles(`${folder}/${name}`);
    else if (name.endsWith(".ts")) yield `${folder}/${name}`;
  }
}
