import { type ConfigPath, formatConfigPath } from "./config_path.ts";
import { isMapping, type Mapping } from "./parse_yaml.ts";
import type { Problem } from "./problem.ts";

/** A key that was found under an old name. */
export interface Move {
  /** Where the file has it. */
  readonly from: ConfigPath;
  /** Where it belongs today. */
  readonly to: ConfigPath;
}

/** A mapping of the tree and where it is. */
interface Place {
  readonly mapping: Mapping;
  readonly path: ConfigPath;
}

/**
 * Moves what stands under an old name to its present one, in place. A file that has both is
 * ambiguous: that is a problem, and the old one is dropped.
 */
export function moveOldSpellings(tree: unknown): { moves: Move[]; problems: Problem[] } {
  const moves: Move[] = [];
  const problems: Problem[] = [];

  function move(source: Place, oldKey: string, target: Place, newKey: string): void {
    if (!Object.hasOwn(source.mapping, oldKey)) return;
    const from = [...source.path, oldKey];
    const to = [...target.path, newKey];
    const value = source.mapping[oldKey];
    delete source.mapping[oldKey];
    if (target.mapping[newKey] === undefined) {
      target.mapping[newKey] = value;
      moves.push({ from, to });
    } else if (value !== undefined) {
      const message = `old spelling of ${formatConfigPath(to)}, which is there too, keep one`;
      problems.push({ path: from, message, addValue: false });
    }
  }

  if (!isMapping(tree)) return { moves, problems };
  const upstreams = Array.isArray(tree["upstream"]) ? tree["upstream"] : [];
  for (const [index, upstream] of upstreams.entries()) {
    const isOld = isMapping(upstream) && typeof upstream["match"] !== "string";
    if (!isOld) continue;
    const place = { mapping: upstream, path: ["upstream", index] };
    move(place, "match", place, "path");
  }
  const storage = tree["storage"];
  if (!isMapping(storage)) return { moves, problems };
  if (Object.hasOwn(storage, "accel")) storage["local"] ??= {};
  const local = storage["local"];
  if (!isMapping(local)) return { moves, problems };
  const localPath = ["storage", "local"];
  move(
    { mapping: storage, path: ["storage"] },
    "accel",
    { mapping: local, path: localPath },
    "accel",
  );
  if (!isMapping(local["accel"])) return { moves, problems };
  const accel = { mapping: local["accel"], path: [...localPath, "accel"] };
  move(accel, "response-with-headers", accel, "respond-with-headers");
  return { moves, problems };
}

/** The path under which the file has what is now at `path`. */
export function writtenPath(path: ConfigPath, moves: readonly Move[]): ConfigPath {
  // Later moves happened inside of what earlier ones moved, so they are taken back first.
  return moves.toReversed().reduce((current, { from, to }) => {
    const isInside = to.every((step, index) => current[index] === step);
    return isInside ? [...from, ...current.slice(to.length)] : current;
  }, path);
}
