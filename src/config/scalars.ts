/**
 * The kinds of single values in the config file. Each takes what YAML gives, and a string where an
 * environment variable may have given it; each states what would be right when the value is not.
 *
 * @module
 */

import { z } from "zod";
import { parseByteSize } from "./byte_size.ts";
import { baseUrlProblem } from "./checks.ts";
import { parseDuration } from "./duration.ts";
import { PLACEHOLDER } from "./environment.ts";
import { compilePattern, type GoPattern } from "./go_pattern.ts";
import { isMapping } from "./parse_yaml.ts";

/** Where a duration may say so. */
const NEVER = "never";

const EXPECTED_DURATION = `expected a duration with a unit, such as "90s", "1h30m" or "7d"`;

const INTEGER = /^-?\d+$/;
const INTEGER_SHAPE = "-?[0-9]+";
const DURATION_SHAPE = "0|\\+?(?:(?:[0-9]+\\.?[0-9]*|\\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h|d))+";
const SIZE_SHAPE = "[0-9]+|[0-9]+(?:\\.[0-9]+)?\\s*(?:[KkMmGgTt][Ii]?)?[Bb]";

/** For the JSON Schema: the whole string has the shape, or there is a placeholder in it. */
export function shapeOrPlaceholder(shape: string): string {
  return `^(?:${shape})$|${PLACEHOLDER}`;
}

/** A string that passes the test. `pattern` says the same in the JSON Schema. */
export function text(
  what: string,
  isRight: (text: string) => boolean,
  pattern?: string,
): z.ZodType<string, string> {
  return z.string({ error: expected(what) })
    .refine(isRight, { error: `expected ${what}` })
    .meta(pattern === undefined ? {} : { pattern });
}

/** Any string. */
export function anyText(): z.ZodType<string, string> {
  return z.string({ error: expected("a string") });
}

/** A string that is not empty. */
export function filledText(what: string): z.ZodType<string, string> {
  return z.string({ error: expected(what) }).min(1, { error: `expected ${what}` });
}

/** The base URL of an upstream, normalised, without a slash at its end. */
export function baseUrl(): z.ZodType<string, string> {
  const shape = "[Hh][Tt][Tt][Pp][Ss]?://[^?#]+";
  return z.string({ error: expected("a URL") })
    .meta({ pattern: shapeOrPlaceholder(shape) })
    .transform((text, context) => {
      const problem = baseUrlProblem(text);
      if (problem === null) {
        const url = new URL(text);
        return (url.origin + url.pathname).replace(/\/+$/, "");
      }
      context.addIssue({ code: "custom", message: problem });
      return z.NEVER;
    });
}

/** A whole number within bounds. */
export function integer(minimum: number, maximum: number): z.ZodType<number, number | string> {
  const error = `expected a whole number from ${minimum} to ${maximum}`;
  return z.union([
    z.number().meta({ type: "integer", minimum, maximum }),
    z.string().meta({ pattern: shapeOrPlaceholder(INTEGER_SHAPE) }),
  ], { error }).transform((value, context) => {
    const isNumber = typeof value === "number" || INTEGER.test(value);
    const number = isNumber ? Number(value) : NaN;
    if (Number.isSafeInteger(number) && number >= minimum && number <= maximum) return number;
    context.addIssue({ code: "custom", message: error });
    return z.NEVER;
  });
}

/** A duration in milliseconds, or `never`, which is null. */
export function durationOrNever(): z.ZodType<number | null, number | string> {
  return durationInput(`${NEVER}|${DURATION_SHAPE}`)
    .transform((value, context) => value === NEVER ? null : toMilliseconds(value, context));
}

/** A duration in milliseconds that a timer can wait for: more than nothing, within `maximumMs`. */
export function timerDuration(
  what: string,
  maximumMs: number,
): z.ZodType<number, number | string> {
  const error = `expected ${what}`;
  return durationInput(DURATION_SHAPE)
    .transform(toMilliseconds)
    .refine((ms) => ms > 0 && ms <= maximumMs, { error });
}

/** A number of bytes within bounds. */
export function byteSize(
  what: string,
  minimum: number,
  maximum: number,
): z.ZodType<number, number | string> {
  const error = `expected ${what}`;
  return z.union([
    z.number().meta({ type: "integer", minimum, maximum }),
    z.string().meta({ pattern: shapeOrPlaceholder(SIZE_SHAPE) }),
  ], { error }).transform((value, context) => {
    const bytes = typeof value === "string" ? tryParse(() => parseByteSize(value), context) : value;
    // NEVER is no number: then the issue is there already.
    if (typeof bytes !== "number") return z.NEVER;
    if (Number.isSafeInteger(bytes) && bytes >= minimum && bytes <= maximum) return bytes;
    context.addIssue({ code: "custom", message: error });
    return z.NEVER;
  });
}

/** A regular expression in Go's dialect; an empty one matches everything. */
export function pattern(): z.ZodType<GoPattern, string> {
  return z.string({ error: expected("a regular expression") })
    .transform((source, context) => tryParse(() => compilePattern(source), context));
}

/** A regular expression in Go's dialect; an empty one stands for none. */
export function optionalPattern(): z.ZodType<GoPattern | null, string> {
  return z.string({ error: expected("a regular expression") }).transform((source, context) =>
    source === "" ? null : tryParse(() => compilePattern(source), context)
  );
}

function durationInput(shape: string): z.ZodType<number | string, number | string> {
  return z.union([
    z.number().meta({ const: 0 }),
    z.string().meta({ pattern: shapeOrPlaceholder(shape) }),
  ], { error: EXPECTED_DURATION });
}

function toMilliseconds(value: number | string, context: z.RefinementCtx): number {
  if (typeof value === "string") return tryParse(() => parseDuration(value), context);
  // A number has no unit, and of nothing there is no need for one.
  if (value === 0) return 0;
  context.addIssue({ code: "custom", message: EXPECTED_DURATION });
  return z.NEVER;
}

/** Says what would be right in place of a value that is no string. */
function expected(what: string): (issue: { readonly input?: unknown }) => string | undefined {
  return ({ input }) => {
    // Of a missing value there is nothing more to say than that it is missing.
    if (input === undefined) return undefined;
    const isOtherScalar = !Array.isArray(input) && !isMapping(input) && input !== null;
    return `expected ${what}${isOtherScalar ? ", in quotes" : ""}`;
  };
}

/** Runs a parser that throws; its message names the value already. */
function tryParse<T>(parse: () => T, context: z.RefinementCtx): T {
  try {
    return parse();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    context.addIssue({ code: "custom", message, params: { namesValue: true } });
    return z.NEVER;
  }
}
