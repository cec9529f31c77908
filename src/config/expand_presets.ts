import { isMapping, type Mapping } from "./parse_yaml.ts";
import type { Preset } from "./presets/preset.ts";
import { PRESETS } from "./presets/presets.ts";

/** Where an upstream with a preset and without `at` may have its files: in any folder. */
const ANYWHERE = "(?:/.*)?";

/** What means something in a regular expression; a dollar in a path would begin a placeholder. */
const SPECIAL = /[.+*?()|[\]{}^\\]/g;

const CACHE_LISTS = ["policies", "sets", "variants", "digests"] as const;

/**
 * Writes out in place what each upstream's `preset` stands for. What the file has itself stays, and
 * stays in front: it wins. A tree of another shape is left for the schema to complain of.
 *
 * @param knownSets What `cache.sets` is where the file has none.
 */
export function expandPresets(tree: unknown, knownSets: readonly object[]): void {
  if (!isMapping(tree) || !Array.isArray(tree["upstream"])) return;
  for (const upstream of tree["upstream"]) {
    if (!isMapping(upstream)) continue;
    const name = upstream["preset"];
    if (typeof name !== "string" || !Object.hasOwn(PRESETS, name)) continue;
    const preset: Preset = PRESETS[name as keyof typeof PRESETS];
    const at = mountExpression(upstream["at"]);
    for (const [key, value] of Object.entries(preset.upstream ?? {})) {
      upstream[key] ??= placed(value, at);
    }
    const links = preset.links ?? [];
    if (links.length > 0) addRules(tree, "links", placed(links, at) as object[]);
    const cache = tree["cache"] ??= {};
    if (!isMapping(cache)) continue;
    for (const list of CACHE_LISTS) {
      const rules = preset.cache?.[list] ?? [];
      if (rules.length === 0) continue;
      if (list === "sets") cache["sets"] ??= structuredClone(knownSets);
      addRules(cache, list, placed(rules, at) as object[]);
    }
  }
}

/** Two mirrors of one kind, mounted at one place, have the same rules. */
function addRules(mapping: Mapping, key: string, rules: readonly object[]): void {
  const list = mapping[key] ??= [];
  if (!Array.isArray(list)) return;
  const known = new Set(list.map((rule) => JSON.stringify(rule)));
  list.push(...rules.filter((rule) => !known.has(JSON.stringify(rule))));
}

function mountExpression(at: unknown): string {
  if (typeof at !== "string" || at === "") return ANYWHERE;
  return at.replace(/\/+$/, "").replace(SPECIAL, "\\$&");
}

/** A copy with `{at}` replaced in all of its strings. */
function placed(value: unknown, at: string): unknown {
  if (typeof value === "string") return value.replaceAll("{at}", at);
  if (Array.isArray(value)) return value.map((item) => placed(item, at));
  if (!isMapping(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, placed(item, at)]));
}
