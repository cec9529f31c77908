import { getLogger } from "@logtape/logtape";
import type { Bond } from "../decide/bond.ts";
import type { Candidate } from "../decide/candidates.ts";
import { digestInPath } from "../decide/digests/digest_in_path.ts";
import { type Expected, isCheckable, wrongBytes, wrongSize } from "../decide/digests/expected.ts";
import { describeFailure } from "../decide/failure.ts";
import { problemOf } from "../decide/trouble.ts";
import { ByteDigester } from "../storage/byte_digester.ts";
import type { BodyHead, Clock, Entry, FailureReason, Target } from "../types.ts";
import type { BodySource } from "./body_source.ts";
import type { FillTrack } from "./fill_track.ts";
import type { Body } from "./resumable_body.ts";
import type { Standings } from "./standings.ts";
import { Suspects } from "./suspects.ts";
import { VerifiedBody } from "./verified_body.ts";

/**
 * A body up to this length is held back until it has been checked: then another mirror can be asked
 * before the client has got anything …
 */
const MAX_HELD_BYTES = 4 * 1024 * 1024;

/** … for this long at most, in milliseconds: clients do not wait for ever for a first byte … */
const MAX_HOLD_MS = 3_000;

/** … and so much of all bodies together. Further ones are handed on, their last piece held back. */
const MAX_ALL_HELD_BYTES = 64 * 1024 * 1024;

const log = getLogger(["cache-proxy", "fill"]);

/** Who knows what is published of files. */
export interface DigestSource {
  /**
   * What is published of a file; null: nothing. May wait a moment, for a list that is just being
   * read. Never rejects.
   */
  expected(target: Target): Promise<Expected | null> | Expected | null;
  /** No mirror has what is published: the lists that say so may be out of date. */
  doubt(target: Target): void;
}

/** What an inspection is of. */
export interface InspectionPlan {
  readonly target: Target;
  readonly groups: readonly (readonly Candidate[])[];
  readonly bond: Bond | null;
  readonly track: FillTrack;
}

/** What all inspections share. */
export class Inspector {
  readonly suspects: Suspects;
  heldBytes = 0;

  constructor(
    readonly source: DigestSource | null,
    readonly clock: Clock,
    readonly standings: Standings,
  ) {
    this.suspects = new Suspects(clock);
  }

  inspect(plan: InspectionPlan): Inspection {
    return new Inspection(this, plan);
  }

  /** A copy that was stored before it was known what it should be is wrong. */
  foundWrong({ key, upstream }: Entry, expected: Expected): void {
    const reason = { kind: "digest", detail: wrongBytes(expected) } as const;
    log.warn("{key} from {upstream} is wrong and is removed: {reason}", {
      ...{ key, upstream },
      reason: describeFailure(reason),
    });
    if (upstream === null) return;
    this.standings.mismatched(upstream, reason, true);
    this.standings.activity.note(problemOf({ kind: "corrupt", path: key, upstream, reason }));
    this.suspects.add(key, upstream, expected);
  }
}

/** Compares one fill's bytes with what is published of them. */
export class Inspection {
  readonly #shared: Inspector;
  readonly #plan: InspectionPlan;
  #groups: readonly (readonly Candidate[])[];
  #expected: Expected | null = null;
  #hasSuspects = false;
  /** The source whose bytes are all here and right. */
  #passed: BodySource | null = null;

  constructor(shared: Inspector, plan: InspectionPlan) {
    this.#shared = shared;
    this.#plan = plan;
    this.#groups = plan.groups;
  }

  /** Who may be asked: those that gave the file wrong before come last. */
  get groups(): readonly (readonly Candidate[])[] {
    return this.#groups;
  }

  /** Whether parts of several mirrors may make up the file: not when one of them gives it wrong. */
  get maySplit(): boolean {
    return !this.#hasSuspects;
  }

  /** Learns what is published. null: it knows; else it does when the promise resolves. */
  begin(): Promise<void> | null {
    const listed = this.#plan.bond?.listed ?? null;
    if (listed !== null) {
      this.#learn({
        digests: [{ algorithm: "sha256", value: listed.sha256 }],
        sizes: listed.size === null ? [] : [listed.size],
        by: "the head of its set",
      });
      return null;
    }
    const expected = this.#shared.source?.expected(this.#plan.target) ?? null;
    if (expected instanceof Promise) return expected.then((it) => this.#learn(it));
    this.#learn(expected);
    return null;
  }

  #learn(expected: Expected | null): void {
    if (expected === null) return;
    this.#expected = expected;
    const { target, groups } = this.#plan;
    const suspects = this.#shared.suspects.of(target.key, expected);
    this.#hasSuspects = suspects.size > 0;
    if (!this.#hasSuspects) return;
    const isSuspect = ({ upstream }: Candidate): boolean => suspects.has(upstream.name);
    const last = groups.flat().filter(isSuspect);
    const others = groups.map((group) => group.filter((it) => !isSuspect(it)));
    this.#groups = [...others, last].filter((group) => group.length > 0);
  }

  /**
   * Holds a body back until it has been checked, where it is small. What is wrong with it; null:
   * nothing so far. Its mirror is then no candidate any more.
   */
  async refuse(source: BodySource, head: BodyHead): Promise<FailureReason | null> {
    const expected = this.#expected;
    if (expected === null || !isCheckable(head)) return null;
    const detail = wrongSize(expected, head.size) ?? await this.#hold(source, head, expected);
    if (detail === null) return null;
    const reason = this.#reason(detail);
    source.cancel();
    this.#blame(head.upstream, reason, true);
    this.#groups = this.#groups
      .map((group) => group.filter(({ upstream }) => upstream.name !== head.upstream))
      .filter((group) => group.length > 0);
    return reason;
  }

  /** Whether a body has to be compared with what is published while it is handed on. */
  isToGuard(source: BodySource, head: BodyHead): boolean {
    return this.#expected !== null && this.#passed !== source && isCheckable(head);
  }

  /** A body of which nobody gets the whole unless it is what is published. */
  guard(body: Body, source: BodySource, head: BodyHead): Body {
    const expected = this.#expected;
    if (expected === null || !this.isToGuard(source, head)) return body;
    return new VerifiedBody(body, expected, this.#plan.target.key, () => {
      const givers = this.#plan.track.givers;
      const isAlone = givers.size <= 1;
      const more = isAlone ? "" : `; parts of it came from ${[...givers].join(", ")}`;
      const reason = this.#reason(wrongBytes(expected) + more);
      this.#blame(head.upstream, reason, isAlone);
      return reason;
    });
  }

  /** Nobody has delivered. */
  gaveUp(failures: readonly { readonly reason: FailureReason }[]): void {
    if (!failures.some(({ reason }) => reason.kind === "digest")) return;
    this.#shared.source?.doubt(this.#plan.target);
  }

  /** @returns What is wrong; null when nothing is, or when it is too long to be held. */
  async #hold(source: BodySource, head: BodyHead, expected: Expected): Promise<string | null> {
    const bytes = head.size ?? expected.sizes[0] ?? MAX_HELD_BYTES;
    const shared = this.#shared;
    if (bytes > MAX_HELD_BYTES || shared.heldBytes + bytes > MAX_ALL_HELD_BYTES) return null;
    shared.heldBytes += bytes;
    const late = Promise.withResolvers<void>();
    const cancel = shared.clock.after(MAX_HOLD_MS, late.resolve);
    // One more than there may be: that tells the end.
    const whole = source.readAhead(bytes + 1);
    try {
      await Promise.race([whole, late.promise]);
    } catch {
      // Whoever reads it sees to that.
      return null;
    } finally {
      cancel();
      whole.catch(() => {});
      shared.heldBytes -= bytes;
    }
    if (!source.isWhole) return null;
    const digester = new ByteDigester(expected.digests, this.#plan.target.key);
    for (const chunk of source.ahead) digester.update(chunk);
    if (await digester.verdict() === "other") return wrongBytes(expected);
    this.#passed = source;
    return null;
  }

  /** A file of a set may be of another state of it, unless its name says what is in it. */
  #reason(detail: string): FailureReason {
    const { bond, target } = this.#plan;
    const isOfState = (bond?.listed ?? null) !== null && digestInPath(target.path) === null;
    return { kind: isOfState ? "differs" : "digest", detail };
  }

  #blame(upstream: string, reason: FailureReason, isAlone: boolean): void {
    const { target, track } = this.#plan;
    const isSure = isAlone && reason.kind === "digest";
    this.#shared.standings.mismatched(upstream, reason, isSure);
    if (this.#expected !== null) this.#shared.suspects.add(target.key, upstream, this.#expected);
    if (reason.kind === "digest") track.corrupt(upstream, reason);
    else track.differs(upstream, describeFailure(reason));
    log.warn("{upstream} gave a wrong {key}, which is not kept: {reason}", {
      upstream,
      key: target.key,
      reason: describeFailure(reason),
    });
  }
}
