import type { Config, LogLevel } from "../config/config.ts";
import { loadConfig } from "../config/load_config.ts";
import { ConfigError } from "../errors.ts";
import type { Args } from "./args.ts";
import { readCredentials } from "./read_credentials.ts";

const LOG_LEVELS: readonly LogLevel[] = ["trace", "debug", "info", "warn", "error"];

/** A config file, the flags and the environment, put together. */
export interface EffectiveConfig {
  readonly config: Config;
  /** What works, but should be written otherwise; one line each. */
  readonly warnings: readonly string[];
}

/**
 * Reads the config file, and the netrc files that it names. Flags beat the environment, the environment beats the file.
 *
 * @throws {ConfigError} With all that is wrong, the first line saying with what.
 */
export function effectiveConfig(args: Args): EffectiveConfig {
  const { config, warnings } = load(args.configFile);
  const level = args.logLevel ?? config.log.level;
  if (!isLogLevel(level)) {
    throw new ConfigError([
      `Cannot use log level "${level}": it is none of ${LOG_LEVELS.join(", ")}`,
    ]);
  }
  const { upstreams, warnings: ofCredentials } = readCredentials(config);
  return {
    config: {
      ...config,
      upstreams,
      listen: { ...config.listen, ...args.listen },
      cache: { ...config.cache, offline: args.offline || config.cache.offline },
      log: { ...config.log, level },
    },
    warnings: [...warnings, ...ofCredentials],
  };
}

function load(file: string): EffectiveConfig {
  try {
    return loadConfig(Deno.readTextFileSync(file), (name) => Deno.env.get(name));
  } catch (error) {
    if (error instanceof ConfigError) {
      throw new ConfigError([`Cannot use ${file}:`, ...error.problems.map((line) => `  ${line}`)]);
    }
    const why = error instanceof Deno.errors.NotFound ? "there is no such file" : String(error);
    throw new ConfigError([`Cannot read ${file}: ${why}; --config names another one`]);
  }
}

function isLogLevel(text: string): text is LogLevel {
  return (LOG_LEVELS as readonly string[]).includes(text);
}
