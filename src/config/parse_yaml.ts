import { parse } from "@std/yaml";
import { ConfigError } from "../errors.ts";

/** Deeper nesting is refused; an alias that contains itself would have no end. */
const MAX_DEPTH_LEVELS = 32;

/** A mapping of the config file. */
export type Mapping = Record<string, unknown>;

export function isMapping(value: unknown): value is Mapping {
  return typeof value === "object" && value !== null &&
    Object.getPrototypeOf(value) === Object.prototype;
}

/**
 * Parses the config file into a tree without shared parts, so that it may be changed in place. A
 * key without a value (`misc:` with nothing below, `null`, `~`) has the value undefined: as in Go's
 * YAML it is a key that was left out. An empty file is an empty mapping.
 *
 * @throws {ConfigError} With line and column when the text is no YAML.
 */
export function parseYaml(text: string): unknown {
  let document: unknown;
  try {
    document = parse(text);
  } catch (error) {
    throw new ConfigError([syntaxProblem(error)]);
  }
  return document === null ? {} : copy(document, 0);
}

function copy(value: unknown, depth: number): unknown {
  if (depth > MAX_DEPTH_LEVELS) {
    throw new ConfigError([`the file is nested over ${MAX_DEPTH_LEVELS} levels deep`]);
  }
  if (Array.isArray(value)) return value.map((item) => copy(item, depth + 1));
  if (!isMapping(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, copy(item ?? undefined, depth + 1)]),
  );
}

/** Leaves out the excerpt of the file that the parser adds: there may be a secret in it. */
function syntaxProblem(error: unknown): string {
  const [message = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
  const parts = /^(.*) at (line \d+, column \d+):?$/.exec(message);
  return parts === null ? message : `${parts[2]}: ${parts[1]}`;
}
