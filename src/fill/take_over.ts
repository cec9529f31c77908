import { getLogger } from "@logtape/logtape";
import type { Candidate } from "../decide/candidates.ts";
import { describeFailure } from "../decide/failure.ts";
import type { BodyHead, ByDirectives, Clock, Target } from "../types.ts";
import { continueBody, type Continued } from "./continue_body.ts";
import { logFailures } from "./log_failures.ts";
import type { RaceRules } from "./line_up.ts";
import { race } from "./race.ts";
import type { Rivals } from "./rivals.ts";
import type { Break } from "./resumable_body.ts";
import type { Standings } from "./standings.ts";
import type { UpstreamClient } from "./upstream_client.ts";

const log = getLogger(["cache-proxy", "fill"]);

/** A body under way, and who may go on with it. */
export interface Takeover {
  readonly target: Target;
  readonly groups: readonly (readonly Candidate[])[];
  readonly clientOf: (upstream: string) => UpstreamClient;
  /** What was promised of the body when it began. */
  readonly head: BodyHead;
  /** As in `BrokenOff`. */
  readonly byDirectives: ByDirectives | null;
  readonly stallTimeoutMs: number;
  readonly clock: Clock;
  readonly race: RaceRules;
  readonly rivals: Rivals;
}

/**
 * Races the upstreams for the rest of a body that broke off. Every other candidate is tried before
 * those that were too slow for it, and they before the one that failed, which may be back by then.
 * For a body that is merely slow only those are tried that have not had it yet. null when none can
 * go on.
 */
export async function takeOver(
  takeover: Takeover,
  at: Break,
  signal: AbortSignal,
): Promise<Continued | null> {
  const { target, clientOf, rivals } = takeover;
  const { won, failures } = await race(
    orderOf(takeover, at),
    (candidate, controller, attempt) =>
      continueBody(
        candidate,
        clientOf(candidate.upstream.name),
        { ...takeover, ...at, until: null },
        controller,
        attempt,
      ),
    signal,
    // What comes first goes on first: nobody is to wait for a comparison.
    { ...takeover.race, byBandwidth: false, role: "takeover" },
  );
  for (const { upstream } of failures) rivals.drop(upstream);
  count(takeover.race.standings, at.upstream, won);
  logFailures(target.key, failures);
  const isSlow = at.failure.reason.kind === "slow";
  const what = isSlow ? "is too slow for" : "broke off";
  log.warn("{upstream} {what} {key} at byte {offset} ({reason}), {next} goes on", {
    what,
    upstream: at.upstream,
    key: target.key,
    offset: at.offset,
    reason: describeFailure(at.failure.reason),
    next: won?.upstream ?? (isSlow ? "it" : "nobody"),
  });
  return won;
}

function orderOf({ groups, rivals }: Takeover, at: Break): readonly (readonly Candidate[])[] {
  const nameOf = ({ upstream }: Candidate): string => upstream.name;
  const broke = (it: Candidate): boolean => nameOf(it) === at.upstream;
  if (at.failure.reason.kind === "slow") {
    rivals.leave(at.upstream);
    return groups.map((group) => group.filter((it) => rivals.has(nameOf(it))));
  }
  rivals.drop(at.upstream);
  const wasLeft = (it: Candidate): boolean => !broke(it) && rivals.wasLeft(nameOf(it));
  return [
    ...groups.map((group) => group.filter((it) => !broke(it) && !wasLeft(it))),
    groups.flat().filter(wasLeft),
    groups.flat().filter(broke),
  ];
}

function count(standings: Standings, from: string, won: Continued | null): void {
  if (won === null) return;
  standings.countersOf(from).add("takeoversFrom");
  standings.countersOf(won.upstream).add("takeoversTo");
}
