import type { AttemptFailure, FailureReason, Key } from "../types.ts";
import { blameOf, describeFailure, isGoneEverywhere } from "./failure.ts";

/** Failures that a message names; more say nothing more. */
const MAX_NAMED = 4;

/** Something that an operator may have to do something about. */
export type Trouble =
  | {
    readonly kind: "fill-failed";
    readonly path: Key;
    readonly failures: readonly AttemptFailure[];
  }
  | {
    readonly kind: "fill-broken";
    readonly path: Key;
    readonly upstream: string;
    readonly bytes: number;
    readonly reason: FailureReason;
  }
  | {
    readonly kind: "breaker-opened";
    readonly upstream: string;
    readonly failures: number;
    readonly pauseMs: number;
    /** The last failure; null: unknown. */
    readonly reason: FailureReason | null;
  }
  | {
    readonly kind: "mirror-differs";
    readonly path: Key;
    readonly upstream: string;
    readonly detail: string;
  }
  | {
    readonly kind: "corrupt";
    readonly path: Key;
    readonly upstream: string;
    readonly reason: FailureReason;
  }
  | {
    readonly kind: "storage";
    readonly path: Key;
    /** Of the error, as `storage-full`. */
    readonly code: string;
    readonly detail: string;
  }
  | {
    readonly kind: "unreadable";
    readonly path: Key;
    /** Of the error, as `storage-failed`. */
    readonly code: string;
    readonly detail: string;
  }
  | { readonly kind: "too-many-fills"; readonly path: Key };

/** A trouble in words, and what to do. */
export interface Problem {
  /** Those that have the same are one problem, seen again. */
  readonly identity: string;
  readonly level: "warn" | "error";
  readonly message: string;
  /** One sentence; null: nothing to do. */
  readonly advice: string | null;
  readonly path: Key | null;
  readonly upstream: string | null;
}

/** What to tell an operator; null when it is none of their business: no mirror has the file. */
export function problemOf(trouble: Trouble): Problem | null {
  switch (trouble.kind) {
    case "fill-failed":
      return fillFailed(trouble);
    case "fill-broken":
      return fillBroken(trouble);
    case "breaker-opened":
      return breakerOpened(trouble);
    case "mirror-differs": {
      const { path, upstream, detail } = trouble;
      return {
        identity: `mirror-differs ${upstream}`,
        level: "warn",
        message:
          `${upstream} has something else under ${path} than the mirror that began: ${detail}`,
        advice: adviceFor({ kind: "differs", detail }),
        path,
        upstream,
      };
    }
    case "corrupt": {
      const { path, upstream, reason } = trouble;
      return {
        identity: `corrupt ${upstream}`,
        level: "error",
        message: `${upstream} gave a wrong ${path}, which is not kept: ${describeFailure(reason)}`,
        advice: adviceFor(reason),
        path,
        upstream,
      };
    }
    case "storage":
      return {
        identity: `storage ${trouble.code}`,
        level: "error",
        message: `Cannot store ${trouble.path}: ${trouble.detail}`,
        advice: STORAGE_ADVICE[trouble.code] ?? STORAGE_ADVICE["storage-failed"] ?? null,
        path: trouble.path,
        upstream: null,
      };
    case "unreadable":
      return {
        identity: `unreadable ${trouble.code}`,
        level: "error",
        message: `Cannot read what is stored of ${trouble.path}: ${trouble.detail}`,
        advice: STORAGE_ADVICE["storage-failed"] ?? null,
        path: trouble.path,
        upstream: null,
      };
    case "too-many-fills":
      return {
        identity: "too-many-fills",
        level: "warn",
        message:
          `Refused ${trouble.path}: as many downloads are under way as fetch.max-fills allows`,
        advice: "Look which downloads do not move; when all of them do, raise fetch.max-fills.",
        path: trouble.path,
        upstream: null,
      };
  }
}

/** What to do about one kind of failure, in one sentence; null: nothing. */
export function adviceFor(reason: FailureReason): string | null {
  switch (reason.kind) {
    case "status":
      return adviceForStatus(reason.status);
    case "checker":
      return "Compare the mirror's answer with its checkers in the config: one of the two is wrong.";
    case "html":
      return "Open the URL in a browser: a login page or a notice stands in place of the file.";
    case "redirect":
      return "If the redirect is meant, name its target in allowed-redirect of this upstream.";
    case "timeout":
      return "See whether the mirror is reachable from here; if it is only slow, raise " +
        "fetch.head-timeout.";
    case "stalled":
      return "See whether the line to the mirror drops; if it only pauses, raise " +
        "fetch.stall-timeout.";
    case "slow":
      return null;
    case "network":
      return "Check the mirror's name, port, certificate and proxy in the config, and whether this " +
        "machine reaches it.";
    case "short-body":
    case "long-body":
      return "Fetch the file from the mirror by hand: what it sends is not as long as it says.";
    case "differs":
      return "Compare the mirrors: one is not up to date or has a broken file; leave it out if that " +
        "lasts.";
    case "digest":
      return "Fetch the file from the mirror by hand and compare its digest with the list's: when " +
        "the file is wrong, leave the mirror out and tell its owner.";
    case "aborted":
      return null;
  }
}

const STORAGE_ADVICE: Readonly<Record<string, string>> = {
  "storage-full": "Make room on the disk, or lower cache.max-size so that the cache makes it.",
  "storage-failed":
    "See the log for the system's error, then the data directory's disk and rights.",
  "unnoted": "See the log for the system's error: the index in the data directory takes no writes.",
};

function adviceForStatus(status: number): string | null {
  if (status === 404 || status === 410) return null;
  if (status === 401 || status === 403) {
    return "The mirror wants credentials, or does not let this address in: see headers of the " +
      "upstream in the config.";
  }
  if (status === 429) return "The mirror wants fewer requests: lower race.width, or ask its owner.";
  if (status >= 500) return "The mirror has trouble of its own: wait, or add another one.";
  return "Fetch the file from the mirror by hand to see what it objects to.";
}

function fillFailed(
  { path, failures }: Extract<Trouble, { kind: "fill-failed" }>,
): Problem | null {
  const told = failures.filter(({ reason }) => reason.kind !== "aborted");
  if (told.length === 0 || isGoneEverywhere(told)) return null;
  // Whoever has no such file is not what is wrong.
  const telling = told.find(({ reason }) => blameOf(reason) === "upstream") ??
    told.find(({ reason }) => !isGone(reason)) ?? told[0];
  if (telling === undefined) return null;
  const named = told.slice(0, MAX_NAMED).map(({ upstream, reason }) =>
    `${upstream} ${describeFailure(reason)}`
  );
  const more = told.length > MAX_NAMED ? `; ${told.length - MAX_NAMED} more` : "";
  return {
    identity: `fill-failed ${telling.upstream} ${telling.reason.kind}`,
    level: "error",
    message: `No upstream gave ${path}: ${named.join("; ")}${more}`,
    advice: adviceFor(telling.reason),
    path,
    upstream: told.length === 1 ? telling.upstream : null,
  };
}

function fillBroken(
  { path, upstream, bytes, reason }: Extract<Trouble, { kind: "fill-broken" }>,
): Problem | null {
  if (reason.kind === "aborted") return null;
  return {
    identity: `fill-broken ${upstream} ${reason.kind}`,
    level: "error",
    message: `${path} from ${upstream} broke off after ${bytes} bytes, and nobody went on: ` +
      describeFailure(reason),
    advice: adviceFor(reason),
    path,
    upstream,
  };
}

function breakerOpened(
  { upstream, failures, pauseMs, reason }: Extract<Trouble, { kind: "breaker-opened" }>,
): Problem {
  const why = reason === null ? "" : `: ${describeFailure(reason)}`;
  const seconds = Math.round(pauseMs / 1000);
  return {
    identity: `breaker-opened ${upstream}`,
    level: "warn",
    message: `${upstream} is left out for ${seconds} s after ${failures} failures in a row${why}`,
    advice: reason === null ? null : adviceFor(reason),
    path: null,
    upstream,
  };
}

function isGone(reason: FailureReason): boolean {
  return reason.kind === "status" && (reason.status === 404 || reason.status === 410);
}
