import { failedCheck } from "../decide/admission.ts";
import type { Candidate } from "../decide/candidates.ts";
import { strongEtag } from "../decide/continuation.ts";
import { judgePart } from "../decide/part.ts";
import { questionFields } from "../decide/vary.ts";
import { UpstreamError } from "../errors.ts";
import type { BodyHead, ByDirectives, Clock, FailureReason, HeaderList, Target } from "../types.ts";
import type { Attempt } from "./attempt.ts";
import { BodySource } from "./body_source.ts";
import type { UpstreamClient } from "./upstream_client.ts";

/** A body that broke off, and what is known of it. */
export interface BrokenOff {
  readonly target: Target;
  readonly head: BodyHead;
  /** What the request that it answers was judged by; null: it answers every request. */
  readonly byDirectives: ByDirectives | null;
  /** Bytes that have been handed out. */
  readonly offset: number;
  /** The last of them, compared with what the next mirror has there. */
  readonly tail: Uint8Array;
  /** Where it is to end (exclusive); null: at its own end. */
  readonly until: number | null;
  readonly stallTimeoutMs: number;
  readonly clock: Clock;
}

/** The rest of the body, the bytes that were there already left out. */
export interface Continued {
  readonly upstream: string;
  readonly source: BodySource;
  /** Bytes of the rest that came together with the overlap; may be empty. */
  readonly first: Uint8Array;
}

/**
 * Asks one candidate to go on where a body broke off, from a little before that, and compares what
 * both have there byte for byte.
 *
 * @throws {UpstreamError} When it cannot, or when it has something else; its connection is then gone.
 */
export async function continueBody(
  { upstream, url }: Candidate,
  client: UpstreamClient,
  broken: BrokenOff,
  controller: AbortController,
  attempt: Attempt,
): Promise<Continued> {
  const { head, offset, tail, until, clock } = broken;
  const from = offset - tail.byteLength;
  // The rest of one variant is no rest of another one.
  const forwarded = questionFields(broken.target, broken.byDirectives);
  const headers = [...forwarded, ...rangeHeaders(head, upstream.name, from, until)];
  const answer = await client.ask({ method: "GET", url, headers }, controller);
  attempt.head(answer.status);
  function giveUp(reason: FailureReason): never {
    // The abort alone does not always reach a body (see `BodySource`).
    void answer.body?.cancel().catch(() => {});
    controller.abort(new UpstreamError({ kind: "aborted" }));
    throw new UpstreamError(reason);
  }
  // A partial answer is what the checkers' 200 stands for here.
  const status = answer.status === 206 ? 200 : answer.status;
  const failed = failedCheck({ ...answer, status }, upstream.checkers);
  if (failed !== null) giveUp(failed);
  const facts = { ...answer, upstream: upstream.name };
  const continuation = judgePart(facts, head, { from, offset, until }, clock.now());
  if (continuation.kind === "refuse") giveUp(continuation.reason);
  const { start, end } = continuation;
  const source = new BodySource(answer.body, {
    declared: end - start,
    stallTimeoutMs: broken.stallTimeoutMs,
    clock,
    controller,
    observer: attempt,
  });
  const first = await skipOverlap(source, from - start, tail);
  if (first === null) giveUp({ kind: "differs", detail: `other bytes before byte ${offset}` });
  // A mirror that has nothing new to give is no help, whatever its head promises.
  if (first.byteLength === 0) await source.readAhead(1);
  return { upstream: upstream.name, source, first };
}

/** The validator belongs to the mirror that gave it, so the others get the plain range. */
function rangeHeaders(
  head: BodyHead,
  upstream: string,
  from: number,
  until: number | null,
): HeaderList {
  const range = ["range", `bytes=${from}-${until === null ? "" : until - 1}`] as const;
  const etag = strongEtag(head.etag);
  return etag !== null && upstream === head.upstream ? [range, ["if-range", etag]] : [range];
}

/**
 * Reads what comes before the rest: `skip` bytes, then what must be equal to `tail`. The beginning
 * of the rest; null when the overlap differs.
 */
export async function skipOverlap(
  source: BodySource,
  skip: number,
  tail: Uint8Array,
): Promise<Uint8Array | null> {
  let position = -skip;
  while (position < tail.byteLength) {
    const chunk = await source.read();
    if (chunk === null) return null;
    const from = Math.max(0, -position);
    const to = Math.min(chunk.byteLength, tail.byteLength - position);
    for (let at = from; at < to; at++) if (chunk[at] !== tail[position + at]) return null;
    position += chunk.byteLength;
    if (position >= tail.byteLength) return chunk.subarray(to);
  }
  return new Uint8Array();
}
