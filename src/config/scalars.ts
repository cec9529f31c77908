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
import type { Limits } from "../types.ts";

const EXPECTED_DURATION = `expected a duration with a unit, such as "90s", "1h30m" or "7d"`;

const INTEGER = /^-?\d+$/;
const INTEGER_SHAPE = "-?[0-9]+";
const DURATION_SHAPE = "0|\\+?(?:(?:[0-9]+\\.?[0-9]*|\\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h|d))+";
const SIZE_SHAPE = "[0-9]+|[0-9]+(?:\\.[0-9]+)?\\s*(?:[KkMmGgTt][Ii]?)?[Bb]";
const WHOLE_PERCENT = 100;
const PERCENTAGE = /^([0-9]+(?:\.[0-9]+)?)\s*%$/;
const PERCENTAGE_SHAPE = "0*[0-9]{1,2}(?:\\.[0-9]+)?\\s*%";

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
  return integerOr([], minimum, maximum);
}

/** A whole number, or one of some words. */
export function integerOr<const Word extends string>(
  words: readonly Word[],
  minimum: number,
  maximum: number,
): z.ZodType<number | Word, number | string> {
  const error = [`expected a whole number from ${minimum} to ${maximum}`, ...words.map(quote)]
    .join(", or ");
  return z.union([
    z.number().meta({ type: "integer", minimum, maximum }),
    z.string().meta({ pattern: shapeOrPlaceholder([...words, INTEGER_SHAPE].join("|")) }),
  ], { error }).transform((value, context) => {
    const word = words.find((it) => it === value);
    if (word !== undefined) return word;
    const isNumber = typeof value === "number" || INTEGER.test(value);
    const number = isNumber ? Number(value) : NaN;
    if (Number.isSafeInteger(number) && number >= minimum && number <= maximum) return number;
    context.addIssue({ code: "custom", message: error });
    return z.NEVER;
  });
}

/** True or false. */
export function flag(): z.ZodType<boolean, boolean | string> {
  const error = "expected true or false";
  return z.union([
    z.boolean(),
    z.string().meta({ pattern: shapeOrPlaceholder("true|false") }),
  ], { error }).transform((value, context) => {
    if (typeof value === "boolean") return value;
    if (value === "true" || value === "false") return value === "true";
    context.addIssue({ code: "custom", message: error });
    return z.NEVER;
  });
}

/** A duration in milliseconds. */
export function duration(): z.ZodType<number, number | string> {
  return durationOr({});
}

/** A duration in milliseconds, or one of the words, which stands for its value. */
export function durationOr<const Value>(
  words: Readonly<Record<string, Value>>,
): z.ZodType<number | Value, number | string> {
  const valueOf = new Map(Object.entries(words));
  const names = [...valueOf.keys()];
  const orElse = names.length === 0 ? "" : `, or else ${names.map(quote).join(" or ")}`;
  return durationInput([...names, DURATION_SHAPE].join("|"), orElse)
    .transform((value, context) => {
      const word = valueOf.get(String(value));
      return word === undefined ? toMilliseconds(value, context, orElse) : word;
    });
}

/** A duration in milliseconds that a timer can wait for: more than nothing, within `maximumMs`. */
export function timerDuration(
  what: string,
  maximumMs: number,
): z.ZodType<number, number | string> {
  const error = `expected ${what}`;
  return durationInput(DURATION_SHAPE)
    .transform((value, context) => toMilliseconds(value, context))
    .refine((ms) => ms > 0 && ms <= maximumMs, { error });
}

/** YAML 1.2 reads `on` and `off` as texts; both spellings of a switch are meant alike. */
export function onOff(): z.ZodType<boolean, boolean | string> {
  const error = "expected on or off";
  const valueOf = new Map([["on", true], ["true", true], ["off", false], ["false", false]]);
  return z.union([
    z.boolean(),
    z.string().meta({ pattern: shapeOrPlaceholder([...valueOf.keys()].join("|")) }),
  ], { error }).transform((value, context) => {
    const isOn = valueOf.get(String(value));
    if (isOn !== undefined) return isOn;
    context.addIssue({ code: "custom", message: error });
    return z.NEVER;
  });
}

/** A number of bytes within bounds. */
export function byteSize(
  what: string,
  minimum: number,
  maximum: number,
): z.ZodType<number, number | string> {
  return byteSizeOr({}, what, minimum, maximum);
}

/** A number of bytes within bounds, or one of the words, which stands for its value. */
export function byteSizeOr<const Value>(
  words: Readonly<Record<string, Value>>,
  what: string,
  minimum: number,
  maximum: number,
): z.ZodType<number | Value, number | string> {
  const error = `expected ${what}`;
  const valueOf = new Map(Object.entries(words));
  const names = [...valueOf.keys()];
  const orElse = names.length === 0 ? "" : `, or else ${names.map(quote).join(" or ")}`;
  return z.union([
    z.number().meta({ type: "integer", minimum, maximum }),
    z.string().meta({ pattern: shapeOrPlaceholder([...names, SIZE_SHAPE].join("|")) }),
  ], { error }).transform((value, context) => {
    const word = valueOf.get(String(value));
    if (word !== undefined) return word;
    const bytes = toBytes(value, context, orElse);
    // NEVER is no number: then the issue is there already.
    if (typeof bytes !== "number") return z.NEVER;
    if (Number.isSafeInteger(bytes) && bytes >= minimum && bytes <= maximum) return bytes;
    context.addIssue({ code: "custom", message: error });
    return z.NEVER;
  });
}

/** A number of bytes, or a share of a file system in percent: 100 and more would leave nothing. */
export function freeSpace(): z.ZodType<Limits["minFree"], number | string> {
  const error = "expected a size from 0 up, or a percentage under 100";
  const maximum = Number.MAX_SAFE_INTEGER;
  return z.union([
    z.number().meta({ type: "integer", minimum: 0, maximum }),
    z.string().meta({ pattern: shapeOrPlaceholder(`${SIZE_SHAPE}|${PERCENTAGE_SHAPE}`) }),
  ], { error }).transform((value, context) => {
    const percent = PERCENTAGE.exec(String(value))?.[1];
    if (percent !== undefined && Number(percent) < WHOLE_PERCENT) {
      return { kind: "share" as const, value: Number(percent) / WHOLE_PERCENT };
    }
    const bytes = percent === undefined ? toBytes(value, context, `, or for example "5%"`) : NaN;
    if (typeof bytes !== "number") return z.NEVER;
    if (Number.isSafeInteger(bytes) && bytes >= 0) return { kind: "bytes" as const, value: bytes };
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

function durationInput(
  shape: string,
  orElse = "",
): z.ZodType<number | string, number | string> {
  return z.union([
    z.number().meta({ const: 0 }),
    z.string().meta({ pattern: shapeOrPlaceholder(shape) }),
  ], { error: EXPECTED_DURATION + orElse });
}

function toMilliseconds(value: number | string, context: z.RefinementCtx, orElse = ""): number {
  if (typeof value === "string") return tryParse(() => parseDuration(value), context, orElse);
  // A number has no unit, and of nothing there is no need for one.
  if (value === 0) return 0;
  context.addIssue({ code: "custom", message: EXPECTED_DURATION + orElse });
  return z.NEVER;
}

function toBytes(value: number | string, context: z.RefinementCtx, orElse = ""): number {
  return typeof value === "number" ? value : tryParse(() => parseByteSize(value), context, orElse);
}

function quote(word: string): string {
  return JSON.stringify(word);
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

/**
 * Runs a parser that throws; its message names the value already.
 *
 * @param orElse What would be right besides, in words that go on after the message.
 */
function tryParse<T>(parse: () => T, context: z.RefinementCtx, orElse = ""): T {
  try {
    return parse();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    context.addIssue({ code: "custom", message: message + orElse, params: { namesValue: true } });
    return z.NEVER;
  }
}
