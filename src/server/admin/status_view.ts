import { describeFailure } from "../../decide/failure.ts";
import type {
  ContestantView,
  Download,
  FillEvent,
  FillOutcome,
  Role,
  SeenProblem,
} from "../../fill/fill_event.ts";
import type { Instant } from "../../types.ts";

/** A contestant as it is shown. */
export type ShownContestant = Omit<ContestantView, "attempt" | "reason"> & {
  readonly reason: string | null;
};

/** A download as it is shown. */
export type ShownDownload = Omit<Download, "startedAt" | "contestants"> & {
  readonly startedAt: string;
  readonly contestants: readonly ShownContestant[];
};

/** A problem as it is shown. */
export type ShownProblem = Omit<SeenProblem, "at" | "identity"> & { readonly at: string };

export function shownDownload(download: Download): ShownDownload {
  const { startedAt, contestants } = download;
  return {
    ...download,
    startedAt: isoOf(startedAt),
    contestants: contestants.map(shownContestant),
  };
}

export function shownProblem({ at, identity: _, ...problem }: SeenProblem): ShownProblem {
  return { at: isoOf(at), ...problem };
}

/** What is told of the end of a race. */
export interface ShownRace {
  /** Of the fill that it is part of. */
  readonly id: number;
  readonly path: string;
  readonly at: string;
  readonly role: Role;
  /** null: nobody. */
  readonly winner: string | null;
  readonly contestants: readonly ShownContestant[];
}

/** What is told of the end of a fill. */
export interface ShownFill {
  readonly id: number;
  readonly path: string;
  readonly at: string;
  readonly outcome: FillOutcome;
  readonly bytes: number;
  readonly ms: number;
  readonly upstream: string | null;
  readonly reason: string | null;
}

export function shownRace(event: Extract<FillEvent, { kind: "race-ended" }>): ShownRace {
  const { fill: id, path, at, role, winner, contestants } = event;
  return {
    id,
    path,
    at: isoOf(at),
    role,
    winner: winner?.upstream ?? null,
    contestants: contestants.map(shownContestant),
  };
}

export function shownFill(event: Extract<FillEvent, { kind: "fill-ended" }>): ShownFill {
  const { fill: id, path, at, outcome, bytes, ms, upstream, reason, failures } = event;
  const why = reason ??
    (failures.length === 0
      ? null
      : failures.map((it) => `${it.upstream} ${describeFailure(it.reason)}`).join("; "));
  return { id, path, at: isoOf(at), outcome, bytes, ms, upstream, reason: why };
}

/** As in JSON. */
export function isoOf(at: Instant): string {
  return new Date(at).toISOString();
}

function shownContestant({ attempt: _, reason, ...shown }: ContestantView): ShownContestant {
  return { ...shown, reason: reason === null ? null : describeFailure(reason) };
}
