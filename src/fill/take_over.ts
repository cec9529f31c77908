import { getLogger } from "@logtape/logtape";
import type { Candidate } from "../decide/candidates.ts";
import { describeFailure } from "../decide/failure.ts";
import type { BodyHead, Clock, Target } from "../types.ts";
import { continueBody, type Continued } from "./continue_body.ts";
import { logFailures } from "./log_failures.ts";
import { race } from "./race.ts";
import type { Break } from "./resumable_body.ts";
import type { UpstreamClient } from "./upstream_client.ts";

const log = getLogger(["cache-proxy", "fill"]);

/** A body under way, and who may go on with it. */
export interface Takeover {
  readonly target: Target;
  readonly groups: readonly (readonly Candidate[])[];
  readonly clientOf: (upstream: string) => UpstreamClient;
  /** What was promised of the body when it began. */
  readonly head: BodyHead;
  readonly stallTimeoutMs: number;
  readonly clock: Clock;
}

/**
 * Races the upstreams for the rest of a body that broke off. Every other candidate is tried before
 * the one that failed, which may be back by then. null when none can go on.
 */
export async function takeOver(
  takeover: Takeover,
  at: Break,
  signal: AbortSignal,
): Promise<Continued | null> {
  const { target, groups, clientOf } = takeover;
  const failed = (candidate: Candidate): boolean => candidate.upstream.name === at.upstream;
  const others = groups.map((group) => group.filter((candidate) => !failed(candidate)));
  const { won, failures } = await race(
    [...others, groups.flat().filter(failed)],
    (candidate, controller) =>
      continueBody(
        candidate,
        clientOf(candidate.upstream.name),
        { ...takeover, ...at },
        controller,
      ),
    signal,
  );
  logFailures(target.key, failures);
  log.warn("{upstream} broke off {key} at byte {offset} ({reason}), {next} goes on", {
    upstream: at.upstream,
    key: target.key,
    offset: at.offset,
    reason: describeFailure(at.failure.reason),
    next: won?.upstream ?? "nobody",
  });
  return won;
}
