import { ConfigError } from "../errors.ts";
import { KNOWN_SETS } from "./cache_schema.ts";
import { toCacheSettings } from "./cache_settings.ts";
import type { Config } from "./config.ts";
import { formatConfigPath } from "./config_path.ts";
import { deepFreeze } from "./deep_freeze.ts";
import { type Environment, replaceEnvironment } from "./environment.ts";
import { expandPresets } from "./expand_presets.ts";
import { moveOldSpellings, writtenPath } from "./old_spellings.ts";
import { parseYaml } from "./parse_yaml.ts";
import type { Problem } from "./problem.ts";
import { explainIssue, problemLine, schemaProblems } from "./problems.ts";
import { configSchema, type ParsedConfig } from "./schema.ts";
import { toUpstream } from "./upstream.ts";
import { duplicateNames, unknownNames, upstreamNames } from "./upstream_names.ts";

/** A usable config file. */
export interface LoadedConfig {
  readonly config: Config;
  /** What works, but should be written otherwise; one line each. */
  readonly warnings: readonly string[];
}

/**
 * Reads the text of a config file, of today's or an older spelling.
 *
 * @param environment Gives the values for `${NAME}`.
 * @throws {ConfigError} With all problems of the file.
 */
export function loadConfig(text: string, environment: Environment): LoadedConfig {
  const tree = parseYaml(text);
  const { moves, problems: ambiguous } = moveOldSpellings(tree);
  expandPresets(tree, KNOWN_SETS);
  const { value, problems: unset } = replaceEnvironment(tree, environment);
  const parsed = configSchema.safeParse(value, { error: explainIssue });
  const wrong = parsed.success
    ? unknownNames(parsed.data.upstream)
    : schemaProblems(parsed.error, configSchema);
  const lines = (problems: readonly Problem[]): string[] =>
    problems.map((problem) => problemLine(problem, writtenPath(problem.path, moves), tree));

  // Where a variable is not set, the schema has seen the placeholder and may dislike it as well.
  const placesOfUnset = new Set(unset.map(({ path }) => formatConfigPath(path)));
  const others = [...wrong, ...duplicateNames(value)]
    .filter(({ path }) => !placesOfUnset.has(formatConfigPath(path)));
  const problems = lines([...ambiguous, ...unset, ...others]);
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems);

  const oldSpellings = moves.map(({ from, to }) =>
    `${formatConfigPath(writtenPath(from, moves))}: old spelling, write ${formatConfigPath(to)}`
  );
  return deepFreeze({
    config: toConfig(parsed.data),
    warnings: [...oldSpellings, ...lines(unknownGroups(parsed.data))],
  });
}

/**
 * The tree of a config file in today's spelling, with what its presets stand for written out and
 * nothing taken from the environment.
 *
 * @throws {ConfigError} When the text is no YAML.
 */
export function expandedTree(text: string): unknown {
  const tree = parseYaml(text);
  moveOldSpellings(tree);
  expandPresets(tree, KNOWN_SETS);
  return tree;
}

/** References that Go replaces by nothing. `$1x` is the usual one: it means a group named `1x`. */
function unknownGroups({ upstream }: ParsedConfig): Problem[] {
  return upstream.flatMap(({ path: { match, replace } }, index) =>
    (match?.unknownReferences(replace) ?? []).map((reference) => ({
      path: ["upstream", index, "path", "replace"],
      message: `${reference} is no group of match and stands for nothing, \${1} ends a number`,
      addValue: false,
    }))
  );
}

/** A threshold of 0 would be one that every file reaches: it turns segments off. */
function toSegments(race: ParsedConfig["race"]): Config["race"]["segments"] {
  const thresholdBytes = race["segment-threshold"];
  if (!race.segments || thresholdBytes === 0) return null;
  return { thresholdBytes, windowBytes: race["segment-window"] };
}

function toLog({ level, format, requests, events, file }: ParsedConfig["log"]): Config["log"] {
  return {
    level,
    format: format ?? null,
    requests: requests ?? null,
    events,
    file: file === undefined
      ? null
      : { path: file.path, maxBytes: file["max-size"], keep: file.keep },
  };
}

function toConfig(parsed: ParsedConfig): Config {
  const names = upstreamNames(parsed.upstream);
  const { listen, workers, admin, misc, race, cache, storage, fetch, log } = parsed;
  const { rules, links, forward, prefetch } = parsed;
  const accel = storage.local.accel;
  return {
    listen: {
      address: listen.address === "" ? "0.0.0.0" : listen.address,
      port: listen.port,
      tls: listen.tls ?? null,
      publicUrl: listen["public-url"] ?? null,
      trustedProxies: listen["trusted-proxies"],
    },
    workers,
    admin: { ...admin, token: admin.token === "" ? null : admin.token },
    upstreams: parsed.upstream.map((upstream, index) => toUpstream(upstream, names[index] ?? "")),
    misc: {
      firstChunkBytes: misc["first-chunk-bytes"],
      chunkBytes: misc["chunk-bytes"],
    },
    race: { width: race.width, segments: toSegments(race) },
    cache: toCacheSettings(cache),
    storage: {
      path: storage.local.path,
      temporaryFilePattern: storage.local["temporary-file-pattern"],
      accel: accel === undefined || accel["enable-by-header"] === "" ? null : {
        enableByHeader: accel["enable-by-header"].toLowerCase(),
        respondWithHeaders: accel["respond-with-headers"],
      },
    },
    fetch: {
      headTimeoutMs: fetch["head-timeout"],
      stallTimeoutMs: fetch["stall-timeout"],
      minimumBytesPerSecond: fetch["minimum-rate"],
      rangeSkipBytes: fetch["range-skip"],
      maxFills: fetch["max-fills"],
    },
    ...{ rules, links, forward, prefetch },
    log: toLog(log),
  };
}
