import type { Config } from "../../config/config.ts";
import { accessRuleFor } from "../../decide/access_rule.ts";
import { candidateGroups } from "../../decide/candidates.ts";
import { policyFor } from "../../decide/freshness.ts";
import { placeInSets } from "../../decide/sets.ts";
import { lineUp } from "../../fill/line_up.ts";
import { Standings } from "../../fill/standings.ts";
import { StateFile } from "../../storage/state_file.ts";
import type { AccessRule, Policy, Target } from "../../types.ts";
import { systemClock } from "../system_clock.ts";

/** A mirror that would be asked for a path. */
export interface AskedMirror {
  readonly name: string;
  readonly url: string;
  readonly priority: number;
  /** `first`: with the others that are first. `next`: when those fail or are slow. `fallback`: when
   * all of a higher priority have failed. */
  readonly when: "first" | "next" | "fallback";
}

/** What the configuration means for a path. */
export interface PathReport {
  readonly path: string;
  /** The rule that counts; null: there is none, and clients may have it. */
  readonly rule: {
    /** Where it stands in the file. */
    readonly place: string;
    readonly match: string;
    readonly action: AccessRule["action"];
    /** Empty: none is given. */
    readonly reason: string;
  } | null;
  readonly policy: {
    /** Where it stands in the file. */
    readonly place: string;
    /** The expression that matches; null: it is what holds for all the others. */
    readonly match: string | null;
    /** As in the file: milliseconds as a number. */
    readonly refreshAfter: Policy["refreshAfter"];
    /** How long after that a copy may stand in for mirrors that fail; null: for ever. */
    readonly staleIfErrorMs: number | null;
    readonly staleWhileRevalidateMs: number;
  };
  /** The set of files that it belongs to, and as what. */
  readonly set: { readonly place: string; readonly role: "anchor" | "member" } | null;
  /** In the order in which they would be asked; empty: clients get 404. */
  readonly mirrors: readonly AskedMirror[];
}

/**
 * What the configuration means for a path, decided by the code that decides for clients. The order
 * within a priority is that of the scores which the proxy has saved.
 */
export async function pathReport(config: Config, target: Target): Promise<PathReport> {
  const { cache } = config;
  const policy = policyFor(target.path, cache.policies);
  const index = cache.policies.indexOf(policy);
  const isRest = index === cache.policies.length - 1;
  const place = placeInSets(target.path, cache.sets);
  return {
    path: target.key,
    rule: ruleOf(target, config.rules),
    policy: {
      place: isRest ? "cache" : `cache.policies[${index}]`,
      match: isRest ? null : policy.match.source,
      refreshAfter: policy.refreshAfter,
      staleIfErrorMs: policy.staleIfErrorMs,
      staleWhileRevalidateMs: policy.staleWhileRevalidateMs,
    },
    set: place === null
      ? null
      : { place: `cache.sets[${place.set.split(" ", 1)[0]}]`, role: place.role },
    mirrors: await mirrorsOf(config, target),
  };
}

function ruleOf({ path }: Target, rules: readonly AccessRule[]): PathReport["rule"] {
  const rule = accessRuleFor(path, rules);
  if (rule === null) return null;
  const { match, action, reason } = rule;
  return { place: `rules[${rules.indexOf(rule)}]`, match: match.source, action, reason };
}

async function mirrorsOf(config: Config, target: Target): Promise<readonly AskedMirror[]> {
  const standings = new Standings({ clock: systemClock, random: () => 1 });
  const saved = await new StateFile(config.storage.path, "scores.json").read().catch(() => null);
  if (saved !== null && saved !== undefined) standings.scores.restore(saved);
  const rules = {
    width: config.race.width,
    byBandwidth: config.misc.firstChunkBytes > 0,
    standings,
  };
  return candidateGroups(target, config.upstreams).flatMap((group, at) => {
    const { starters, waiting, lastResort } = lineUp(group, rules);
    return [...starters, ...waiting, ...lastResort].map((candidate, order): AskedMirror => ({
      name: candidate.upstream.name,
      url: candidate.url,
      priority: candidate.upstream.priorityGroups
        .find(({ match }) => match.test(target.path))?.priority ?? 0,
      when: at > 0 ? "fallback" : order < starters.length ? "first" : "next",
    }));
  });
}
