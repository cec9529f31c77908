import { closestString, levenshteinDistance } from "@std/text";
import type { z } from "zod";
import { type ConfigPath, formatConfigPath } from "./config_path.ts";
import { PLACEHOLDER } from "./environment.ts";
import { knownKeys } from "./known_keys.ts";
import { isMapping } from "./parse_yaml.ts";
import type { Problem } from "./problem.ts";
import { showValue } from "./show_value.ts";

/** A known key is suggested when at most this share of the written one differs from it. */
const MAX_DIFFERENT_SHARE = 0.4;

/** URLs, in which credentials may be. */
const URL_KEYS: ReadonlySet<unknown> = new Set(["server", "proxy"]);

/**
 * Says what is wrong where zod would say it in its own words. For `safeParse`; what the schema says
 * itself goes first.
 */
export function explainIssue(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.input === undefined && issue.code !== "unrecognized_keys") {
    return "required, but missing";
  }
  if (issue.code === "invalid_value") {
    return `expected ${issue.values.map((value) => JSON.stringify(value)).join(", ")}`
      .replace(/, ([^,]*)$/, " or $1");
  }
  if (issue.code !== "invalid_type") return undefined;
  return issue.expected === "array" ? "expected a list" : "expected a mapping";
}

/** All problems that the schema found. */
export function schemaProblems(error: z.ZodError, schema: z.ZodType): Problem[] {
  return error.issues.flatMap((issue) => issueProblems(issue, [], schema));
}

function issueProblems(issue: z.core.$ZodIssue, parent: ConfigPath, schema: z.ZodType): Problem[] {
  const path = [...parent, ...issue.path.map(toStep)];
  switch (issue.code) {
    case "unrecognized_keys": {
      const known = knownKeys(schema, path);
      return issue.keys.map((key) => ({
        path: [...path, key],
        message: `unknown key, ${suggestion(key, known)}`,
        addValue: false,
      }));
    }
    case "invalid_union": {
      // The alternatives differ in their type or are one word; the one that is meant fits so far.
      const meant = issue.errors.find((issues) => !issues.some(isOfOtherType));
      if (meant !== undefined) return meant.flatMap((it) => issueProblems(it, path, schema));
      return [{ path, message: issue.message, addValue: true }];
    }
    case "invalid_key":
      return [{ path, message: issue.issues[0]?.message ?? issue.message, addValue: false }];
    case "custom":
      return [{ path, message: issue.message, addValue: issue.params?.["namesValue"] !== true }];
    default:
      return [{ path, message: issue.message, addValue: true }];
  }
}

function isOfOtherType(issue: z.core.$ZodIssue): boolean {
  const isOther = issue.code === "invalid_type" || issue.code === "invalid_value";
  return isOther && issue.path.length === 0;
}

function toStep(step: PropertyKey): string | number {
  return typeof step === "number" ? step : String(step);
}

function suggestion(key: string, known: readonly string[]): string {
  const nearest = closestString(key, known);
  const distance = levenshteinDistance(key.toLowerCase(), nearest);
  if (distance <= key.length * MAX_DIFFERENT_SHARE) return `did you mean ${showValue(nearest)}?`;
  return `known here: ${known.join(", ")}`;
}

/**
 * One line for the user: where, what would be right, and the value as it stands in the file.
 *
 * @param written The path as the file has it.
 * @param tree The file's values before environment variables were replaced: they may be secret.
 */
export function problemLine(problem: Problem, written: ConfigPath, tree: unknown): string {
  const where = formatConfigPath(written) || "the file";
  const value = valueAt(tree, problem.path);
  if (!problem.addValue || value === undefined || mayBeSecret(problem.path, value)) {
    return `${where}: ${problem.message}`;
  }
  const isReplaced = typeof value === "string" && new RegExp(PLACEHOLDER).test(value);
  const note = isReplaced ? " (as the environment has it)" : "";
  return `${where}: ${problem.message}, got ${showValue(value)}${note}`;
}

function valueAt(tree: unknown, path: ConfigPath): unknown {
  return path.reduce<unknown>((value, step) => {
    if (Array.isArray(value) && typeof step === "number") return value[step];
    return isMapping(value) ? value[step] : undefined;
  }, tree);
}

function mayBeSecret(path: ConfigPath, value: unknown): boolean {
  const key = path.at(-1);
  const isHeaderValue = path.at(-2) === "headers" && typeof key === "string";
  const hasCredentials = URL_KEYS.has(key) && typeof value === "string" && value.includes("@");
  const isOfAuth = path.includes("auth") && key !== "netrc";
  return isHeaderValue || hasCredentials || isOfAuth || key === "token";
}
