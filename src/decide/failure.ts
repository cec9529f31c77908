import type { AttemptFailure, FailureReason } from "../types.ts";

/** The status for a client whose file no upstream delivered, nothing being stored. */
export type FailureStatus = 404 | 410 | 502 | 504;

/**
 * One status for the failures of all candidates.
 *
 * 404 and 410 only when every candidate answered and one of them said so: a mirror that is down
 * may well have the file, and one that gave a wrong one shows that there is one. 504 when the failures
 * are silence alone, 502 for the rest.
 */
export function failureStatus(failures: readonly AttemptFailure[]): FailureStatus {
  if (failures.length === 0) return 404;
  // Somebody has the file, though none that is any good.
  if (failures.some(({ reason }) => isWrongFile(reason))) return 502;
  if (failures.every(({ reason }) => hasAnswered(reason))) {
    const statuses = failures.map(({ reason }) => reason.kind === "status" ? reason.status : 0);
    if (statuses.includes(404)) return 404;
    if (statuses.includes(410)) return 410;
    return 502;
  }
  const unanswered = failures.filter(({ reason }) => !hasAnswered(reason));
  return unanswered.every(({ reason }) => isSilence(reason)) ? 504 : 502;
}

/**
 * The status that may be remembered for a while; null when none may. All mirrors must agree: what a
 * timeout, a refused connection or an error hides, nobody knows.
 */
export function negativeStatus(failures: readonly AttemptFailure[]): number | null {
  if (isGoneEverywhere(failures)) return failureStatus(failures);
  const [first = null, ...others] = failures.map(({ reason }) =>
    reason.kind === "status" ? reason.status : null
  );
  return others.every((status) => status === first) ? first : null;
}

/**
 * Whether the mirrors agree that the file does not exist (any more). Only then is a stored copy
 * withheld: a mixed verdict says more about the mirrors than about the file.
 */
export function isGoneEverywhere(failures: readonly AttemptFailure[]): boolean {
  return failures.length > 0 &&
    failures.every(({ reason }) =>
      reason.kind === "status" && (reason.status === 404 || reason.status === 410)
    );
}

/** A failure in a few words for logs and error answers; no URL, no credential. */
export function describeFailure(reason: FailureReason): string {
  switch (reason.kind) {
    case "status":
      return `answered ${reason.status}`;
    case "checker":
      return `failed a check: ${reason.detail}`;
    case "html":
      return "sent an HTML page in place of a package";
    case "redirect":
      return reason.detail;
    case "timeout":
      return `silent for ${reason.afterMs} ms`;
    case "stalled":
      return `body stalled for ${reason.afterMs} ms`;
    case "slow":
      return `body came at ${reason.bytesPerSecond} of ${reason.expectedBytesPerSecond} bytes/s`;
    case "network":
      return reason.detail;
    case "short-body":
      return `body ended after ${reason.received} of ${reason.declared} bytes`;
    case "long-body":
      return `body is longer than the declared ${reason.declared} bytes`;
    case "differs":
      return `has another version: ${reason.detail}`;
    case "digest":
      return `sent other bytes than those published: ${reason.detail}`;
    case "aborted":
      return "cancelled";
  }
}

/** Whom a failure speaks against. */
export type Blame =
  /** The upstream is in trouble, whatever it is asked for. */
  | "upstream"
  /** The upstream works; it just has no good answer to this very question. */
  | "file"
  /** It was not given the time, or was left for a better one. */
  | "nobody";

/**
 * Whom a failure speaks against. What an upstream says of a file (4xx, a page in place of it, a
 * redirect that is not followed, another version) says nothing of its health.
 */
export function blameOf(reason: FailureReason): Blame {
  switch (reason.kind) {
    case "status":
      return reason.status >= 500 ? "upstream" : "file";
    case "timeout":
    case "stalled":
    case "network":
    case "short-body":
    case "long-body":
    // Who gives one wrong file may give others, and most files come with nothing to compare.
    case "digest":
      return "upstream";
    case "checker":
    case "html":
    case "redirect":
    case "differs":
      return "file";
    case "slow":
    case "aborted":
      return "nobody";
  }
}

function isWrongFile({ kind }: FailureReason): boolean {
  return kind === "differs" || kind === "digest";
}

function hasAnswered(reason: FailureReason): boolean {
  return ["status", "checker", "html", "redirect"].includes(reason.kind);
}

function isSilence(reason: FailureReason): boolean {
  return reason.kind === "timeout" || reason.kind === "stalled";
}
