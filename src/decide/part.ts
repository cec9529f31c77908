import type { BodyHead, Instant } from "../types.ts";
import { type Continuation, type ContinuationFacts, judgeContinuation } from "./continuation.ts";

/** Bytes of a body that a mirror was asked for. */
export interface WantedPart {
  /** The first byte that was asked for. */
  readonly from: number;
  /** The first one that is new. */
  readonly offset: number;
  /** Behind the last one; null: the end of the body, and then the whole body will do as well. */
  readonly until: number | null;
}

/**
 * As `judgeContinuation`. An answer to a request for a part that ends somewhere must be that part,
 * or its beginning (RFC 9110 section 14.2 leaves the server free): to skip gigabytes of the whole
 * for it would help nobody.
 */
export function judgePart(
  answer: ContinuationFacts,
  begun: BodyHead,
  wanted: WantedPart,
  now: Instant,
): Continuation {
  const { from, until } = wanted;
  const judged = judgeContinuation(answer, begun, wanted, now);
  if (judged.kind === "refuse" || until === null) return judged;
  if (judged.start === from && judged.end <= until) return judged;
  const detail = `it sends bytes ${judged.start} to ${judged.end}, asked for ${from} to ${until}`;
  return { kind: "refuse", reason: { kind: "differs", detail } };
}
