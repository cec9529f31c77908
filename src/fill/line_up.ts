import type { Candidate } from "../decide/candidates.ts";
import type { Standing } from "./breaker.ts";
import type { FillTrack } from "./fill_track.ts";
import type { Role } from "./fill_event.ts";
import type { Standings } from "./standings.ts";

/** One race in so many asks one more upstream, so that the scores of those behind stay true. */
const OUT_OF_TURN_EVERY = 20;

/** How a group of candidates goes into a race. */
export interface LineUp {
  /** Asked at once. */
  readonly starters: readonly Candidate[];
  /** Asked one after the other, when one fails or nobody answers in time; the best first. */
  readonly waiting: readonly Candidate[];
  /** Asked when all others have failed: their breakers are open. */
  readonly lastResort: readonly Candidate[];
  /** Milliseconds after which the next is asked when nobody has answered; null: unknown. */
  readonly usualMs: number | null;
}

/** How a race is run. */
export interface RaceRules {
  /** Candidates of a group that are asked at once. */
  readonly width: number;
  /** Whether a number of bytes decides, so that the first head says little. */
  readonly byBandwidth: boolean;
  readonly standings: Standings;
  /** What the race is part of; without it nobody is told of it. */
  readonly track?: FillTrack;
  /** What the upstreams are asked for; without it `race`. */
  readonly role?: Role;
}

/**
 * Who of a group is asked, and when. An upstream whose breaker is open is asked at once when it is
 * due to be tried, and else last; when all are open, breakers count for nothing.
 */
export function lineUp(group: readonly Candidate[], rules: RaceRules): LineUp {
  const { scores, random } = rules.standings;
  const byName = new Map(group.map((candidate) => [candidate.upstream.name, candidate]));
  const ranked = scores.rank([...byName.keys()]).flatMap((name) => byName.get(name) ?? []);
  const inStanding = (wanted: Standing): Candidate[] =>
    ranked.filter(({ upstream }) => rules.standings.breakerOf(upstream.name).standing === wanted);
  const [usual, probes, last] = [inStanding("usual"), inStanding("probe"), inStanding("last")];
  const able = usual.length > 0 ? usual : ranked;
  const atOnce = leadsAlone(able, rules) ? 1 : rules.width;
  const starters = able.slice(0, atOnce);
  const waiting = able.slice(atOnce);
  const lastResort = usual.length > 0 ? [...probes.slice(1), ...last] : [];
  const probe = usual.length > 0 ? probes[0] : undefined;
  if (probe !== undefined) starters.push(probe);
  else if (waiting.length > 0 && random() < 1 / OUT_OF_TURN_EVERY) {
    starters.push(...waiting.splice(Math.floor(random() * waiting.length), 1));
  }
  const best = able[0]?.upstream.name;
  return {
    starters,
    waiting,
    lastResort,
    usualMs: best === undefined ? null : scores.usualHeadMs(best),
  };
}

/**
 * Who is far ahead, or as quick as anybody could be, is asked alone first, unless it is the
 * comparison that is wanted.
 */
function leadsAlone([best, second]: readonly Candidate[], rules: RaceRules): boolean {
  if (rules.byBandwidth || best === undefined || second === undefined) return false;
  const { scores } = rules.standings;
  return scores.isQuick(best.upstream.name) ||
    scores.isFarAhead(best.upstream.name, second.upstream.name);
}
