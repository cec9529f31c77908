import type { ConfigPath } from "./config_path.ts";
import { compilePattern } from "./go_pattern.ts";
import { isMapping, type Mapping } from "./parse_yaml.ts";
import type { Problem } from "./problem.ts";

/** Gives the value of an environment variable, undefined when it is not set. */
export type Environment = (name: string) => string | undefined;

/** A placeholder, as the source of a regular expression. A name begins with no digit. */
export const PLACEHOLDER = "\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}";

const PLACEHOLDER_OR_DOLLARS = /\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

/** Keys whose strings are regular expressions. */
const EXPRESSION_KEYS: ReadonlySet<string> = new Set(["match", "allowed-redirect"]);

/** The strings of the file have three languages, in which a dollar means different things. */
type Language =
  | { readonly kind: "text" }
  | { readonly kind: "expression" }
  | { readonly kind: "replacement"; readonly isGroup: (name: string) => boolean };

/**
 * Replaces `${NAME}` in every string by the environment variable. So that a file written for the Go
 * program keeps its meaning, the rule depends on where the string is:
 *
 * - Anywhere but below, `$$` gives one dollar: `$${NAME}` is the text `${NAME}`.
 * - In a regular expression (`match`, `allowed-redirect`) `$$` stays as it is, and the value
 *   becomes a part of the expression.
 * - In `replace`, `$$` stays too, since Go gives one dollar for it, and the value is taken
 *   literally. `${name}` is a group's text when the `match` beside it has a group of that name,
 *   else the environment's.
 *
 * `$1`, `${1}`, `$name` and a lone dollar stay everywhere.
 */
export function replaceEnvironment(
  tree: unknown,
  environment: Environment,
): { value: unknown; problems: Problem[] } {
  const problems: Problem[] = [];

  function walk(value: unknown, path: ConfigPath, language: Language): unknown {
    if (typeof value === "string") return replaceString(value, path, language);
    if (Array.isArray(value)) {
      return value.map((item, index) => walk(item, [...path, index], { kind: "text" }));
    }
    return isMapping(value) ? walkMapping(value, path) : value;
  }

  function walkMapping(mapping: Mapping, path: ConfigPath): Mapping {
    // A header field may be named like one of our keys.
    const isHeaders = path.at(-1) === "headers";
    const walked: Mapping = {};
    for (const [key, value] of Object.entries(mapping)) {
      if (key === "replace" && !isHeaders) continue;
      const isExpression = EXPRESSION_KEYS.has(key) && !isHeaders;
      walked[key] = walk(value, [...path, key], { kind: isExpression ? "expression" : "text" });
    }
    if (Object.hasOwn(mapping, "replace") && !isHeaders) {
      const isGroup = groupTest(walked["match"]);
      const replacePath = [...path, "replace"];
      walked["replace"] = walk(mapping["replace"], replacePath, { kind: "replacement", isGroup });
    }
    return walked;
  }

  function replaceString(text: string, path: ConfigPath, language: Language): string {
    return text.replace(PLACEHOLDER_OR_DOLLARS, (found, name?: string) => {
      if (name === undefined) return language.kind === "text" ? "$" : found;
      const isReplacement = language.kind === "replacement";
      if (isReplacement && language.isGroup(name)) return found;
      const value = environment(name);
      if (value === undefined) {
        const message = `environment variable ${name} is not set` +
          (isReplacement ? ", and match has no group of that name" : "");
        problems.push({ path, message, addValue: false });
        return found;
      }
      return isReplacement ? value.replaceAll("$", "$$$$") : value;
    });
  }

  return { value: walk(tree, [], { kind: "text" }), problems };
}

/** Tells the groups of an expression. One that does not compile is reported later, by itself. */
function groupTest(match: unknown): (name: string) => boolean {
  if (typeof match !== "string") return () => false;
  try {
    const pattern = compilePattern(match);
    return (name) => pattern.hasGroup(name);
  } catch {
    return () => true;
  }
}
