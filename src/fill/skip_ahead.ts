import { getLogger } from "@logtape/logtape";
import { askingOrder } from "../decide/asking_order.ts";
import type { Candidate } from "../decide/candidates.ts";
import { isResumable } from "../decide/continuation.ts";
import type { BodyHead, ByDirectives, Clock, Target } from "../types.ts";
import { BodySource } from "./body_source.ts";
import { continueBody, type Continued, skipOverlap } from "./continue_body.ts";
import type { Progress } from "./fill.ts";
import type { Question } from "./forward.ts";
import { type Followed, followGrowing, type OpenStored } from "./growing_reader.ts";
import { logFailures } from "./log_failures.ts";
import { passingStream } from "./passing_stream.ts";
import type { RaceRules } from "./line_up.ts";
import { race } from "./race.ts";
import { ResumableBody } from "./resumable_body.ts";
import type { UpstreamClient } from "./upstream_client.ts";

const log = getLogger(["cache-proxy", "fill"]);

/** Parts of one file that are fetched at once beside its fill. Further ones wait for the file. */
const MAX_PARTS = 16;

/** A file that is being filled, and what it takes to fetch parts of it beside that. */
export interface SkipAheadParts {
  readonly target: Target;
  readonly groups: readonly (readonly Candidate[])[];
  readonly clientOf: (upstream: string) => UpstreamClient;
  readonly byDirectives: ByDirectives | null;
  readonly stallTimeoutMs: number;
  /** A part is fetched when it begins further ahead than this; null: none is. */
  readonly rangeSkipBytes: number | null;
  readonly clock: Clock;
  readonly race: RaceRules;
  readonly openStored: OpenStored;
  /** Room for one more part, until it is disposed of; null: there is none. */
  readonly openPart: () => Question | null;
}

/** Bytes from `start` up to `end` (exclusive). */
interface Span {
  readonly start: number;
  readonly end: number;
}

/** What is asked for: the bytes of the span from `offset` on, and those just before it. */
interface Wanted {
  readonly offset: number;
  readonly tail: Uint8Array;
  /** Who broke off at `offset`; null: nobody has been asked yet. */
  readonly failed: string | null;
}

/**
 * Fetches parts of a file that its fill will not reach soon, each with a request of its own, past
 * the disk. They describe the representation that the fill has begun, as with a takeover; a part
 * that breaks off is gone on with from the growing file or from an upstream, whoever has the bytes
 * first, and what both have before the break is compared.
 */
export class SkipAhead {
  readonly #fill: Followed;
  readonly #head: BodyHead;
  readonly #parts: SkipAheadParts;
  #open = 0;

  constructor(fill: Followed, head: BodyHead, parts: SkipAheadParts) {
    this.#fill = fill;
    this.#head = head;
    this.#parts = parts;
  }

  /** As `Fill.skipTo`. */
  async skipTo(
    start: number,
    end: number,
    signal: AbortSignal,
    tail: Uint8Array = new Uint8Array(),
  ): Promise<ReadableStream<Uint8Array> | null> {
    if (!this.#isOutOfReach(start) || this.#open >= MAX_PARTS) return null;
    const question = this.#parts.openPart();
    if (question === null) return null;
    this.#open++;
    const leave = (): void => {
      this.#open--;
      question[Symbol.dispose]();
    };
    try {
      const span = { start, end };
      const wanted = { offset: start, tail, failed: null };
      const gone = AbortSignal.any([signal, question.signal]);
      const first = await this.#ask(wanted, span, gone);
      if (first !== null) return this.#stream(first, span, question, leave);
    } catch (error) {
      leave();
      throw error;
    }
    leave();
    return null;
  }

  #isOutOfReach(start: number): boolean {
    const { rangeSkipBytes } = this.#parts;
    const { written, end } = this.#fill.progress;
    if (!isResumable(this.#head)) return false;
    // The part is asked for without the fields that have selected the variant.
    if (this.#head.vary.length > 0) return false;
    // The disk takes no more: the file never gets there.
    if (end !== null) return end.kind === "unstorable" && start >= written;
    return rangeSkipBytes !== null && start > written + rangeSkipBytes;
  }

  #stream(
    first: Continued,
    span: Span,
    question: Question,
    leave: () => void,
  ): ReadableStream<Uint8Array> {
    log.debug("{upstream} gives {key} from byte {start} on, ahead of the fill", {
      upstream: first.upstream,
      key: this.#parts.target.key,
      start: span.start,
    });
    const head = { ...this.#head, upstream: first.upstream, size: span.end - span.start };
    const body = new ResumableBody(
      first.source,
      head,
      ({ upstream, offset, tail }, signal) =>
        this.#goOn({ offset: span.start + offset, tail, failed: upstream }, span, signal),
      null,
      first.first,
    );
    const cut = (): void => body.cancel();
    question.signal.addEventListener("abort", cut, { once: true });
    if (question.signal.aborted) cut();
    return passingStream(body, () => {
      question.signal.removeEventListener("abort", cut);
      leave();
    });
  }

  /** The rest of a part that broke off; null when it cannot be had. */
  async #goOn(wanted: Wanted, span: Span, signal: AbortSignal): Promise<Continued | null> {
    const { progress } = this.#fill;
    if (progress.written <= wanted.offset) {
      const asked = await this.#ask(wanted, span, signal);
      if (asked !== null || !(await hasReached(progress, wanted.offset, signal))) return asked;
    }
    return await this.#goOnFromFile(wanted, span);
  }

  /** Asks the upstreams. null when none delivers, or the file is there before. */
  async #ask(wanted: Wanted, { end }: Span, signal: AbortSignal): Promise<Continued | null> {
    const { target, groups, clientOf } = this.#parts;
    const head = this.#head;
    const over = new AbortController();
    void hasReached(this.#fill.progress, wanted.offset, over.signal).then((isThere) => {
      if (isThere) over.abort();
    });
    const { won, failures } = await race(
      askingOrder(groups, head.upstream, wanted.failed),
      (candidate, controller, attempt) =>
        continueBody(
          candidate,
          clientOf(candidate.upstream.name),
          { ...this.#parts, ...wanted, head, until: end },
          controller,
          attempt,
        ),
      AbortSignal.any([signal, over.signal]),
      // What comes first is sent: nobody is to wait for a comparison.
      { ...this.#parts.race, byBandwidth: false, role: "range" },
    );
    over.abort();
    logFailures(target.key, failures);
    if (won === null || !signal.aborted) return won;
    won.source.cancel();
    return null;
  }

  async #goOnFromFile({ offset, tail }: Wanted, { end }: Span): Promise<Continued | null> {
    const { openStored, stallTimeoutMs, clock, target } = this.#parts;
    const { upstream } = this.#head;
    const from = offset - tail.byteLength;
    const stream = await followGrowing(this.#fill, from, end, openStored);
    const controller = new AbortController();
    const source = new BodySource(stream, {
      declared: end - from,
      stallTimeoutMs,
      clock,
      controller,
    });
    const first = await skipOverlap(source, 0, tail);
    if (first !== null) return { upstream, source, first };
    source.cancel();
    log.warn("What was sent of {key} before byte {offset} is not what its fill has there", {
      key: target.key,
      offset,
    });
    return null;
  }
}

/** Waits until the file holds the byte; false when it never will, or nobody waits any more. */
async function hasReached(
  progress: Progress,
  offset: number,
  signal: AbortSignal,
): Promise<boolean> {
  for (;;) {
    if (signal.aborted) return false;
    if (progress.written > offset) return true;
    if (progress.end !== null) return false;
    await progress.changed();
  }
}
