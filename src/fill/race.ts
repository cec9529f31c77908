import type { Candidate } from "../decide/candidates.ts";
import { UpstreamError } from "../errors.ts";
import type { AttemptFailure } from "../types.ts";

/** The first good answer, and who had failed before it; no answer when all have failed. */
export interface RaceResult<T> {
  readonly won: T | null;
  readonly failures: readonly AttemptFailure[];
}

/**
 * Enters one candidate: asks it, judges it. Rejects with an `UpstreamError` when the candidate is
 * no good. After the controller has been aborted nobody looks at the outcome any more: whatever it
 * holds must go with the abort.
 */
export type Enter<T> = (candidate: Candidate, controller: AbortController) => Promise<T>;

/**
 * Races the groups one after the other, the members of a group against each other, all at once.
 * The losers are aborted in the very turn in which the winner is known. A lower group runs only
 * when every member of those above has failed.
 *
 * @param signal Ends the race; all contestants then fail as `aborted`.
 */
export async function race<T>(
  groups: readonly (readonly Candidate[])[],
  enter: Enter<T>,
  signal: AbortSignal,
): Promise<RaceResult<T>> {
  const failures: AttemptFailure[] = [];
  for (const group of groups) {
    const won = await raceGroup(group, enter, signal, failures);
    if (won !== null) return { won, failures };
  }
  return { won: null, failures };
}

async function raceGroup<T>(
  group: readonly Candidate[],
  enter: Enter<T>,
  signal: AbortSignal,
  failures: AttemptFailure[],
): Promise<T | null> {
  const contestants = group.map((candidate) => {
    const controller = new AbortController();
    const entered = Promise.resolve().then(() => enter(candidate, controller));
    return { candidate, controller, outcome: reporting(entered, candidate, failures) };
  });
  const abortAll = (): void => abort(contestants.map(({ controller }) => controller));
  if (signal.aborted) abortAll();
  signal.addEventListener("abort", abortAll, { once: true });
  try {
    const { value, candidate } = await Promise.any(contestants.map(({ outcome }) => outcome));
    abort(contestants.filter((c) => c.candidate !== candidate).map(({ controller }) => controller));
    return value;
  } catch (error) {
    if (error instanceof AggregateError) return null;
    throw error;
  } finally {
    signal.removeEventListener("abort", abortAll);
  }
}

async function reporting<T>(
  entered: Promise<T>,
  candidate: Candidate,
  failures: AttemptFailure[],
): Promise<{ value: T; candidate: Candidate }> {
  try {
    return { value: await entered, candidate };
  } catch (error) {
    // A fault of ours fails this contestant too, but must not look like the mirror's.
    const reason = error instanceof UpstreamError
      ? error.reason
      : { kind: "network", detail: `internal error: ${error}` } as const;
    failures.push({ upstream: candidate.upstream.name, reason });
    throw error;
  }
}

function abort(controllers: readonly AbortController[]): void {
  for (const controller of controllers) controller.abort(new UpstreamError({ kind: "aborted" }));
}
