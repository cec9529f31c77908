import type { BodyHead, FailureReason, HeaderList, Instant } from "../types.ts";
import { firstValue } from "./fields.ts";
import { parseHttpDate } from "./http_date.ts";

/** What a mirror answers that is asked to go on with a body. */
export interface ContinuationFacts {
  readonly upstream: string;
  readonly status: number;
  readonly headers: HeaderList;
}

/** Whether the answer goes on with the body. */
export type Continuation =
  /** `start` is the first byte that the answer holds, `end` (exclusive) is behind its last one. */
  | { readonly kind: "same"; readonly start: number; readonly end: number }
  | { readonly kind: "refuse"; readonly reason: FailureReason };

/**
 * Whether a body can be gone on with at all: its length is known, and something tells it from
 * another one of the same name.
 */
export function isResumable(head: BodyHead): boolean {
  return head.status === 200 && head.size !== null && head.size > 0 &&
    (strongEtag(head.etag) !== null || head.lastModified !== null);
}

/** An ETag that promises equal bytes (RFC 9110 section 8.8.1); null when this one does not. */
export function strongEtag(etag: string | null): string | null {
  return etag !== null && /^"[\x21\x23-\x7e\x80-\xff]*"$/.test(etag) ? etag : null;
}

/**
 * Judges the answer to a request for the bytes from `from` on, of which those from `offset` on are
 * new. It must describe the representation
 * that was begun: the same length, and the same strong ETag or the same Last-Modified to the second
 * (RFC 9110 section 15.3.7.3 on combining parts asks for the ETag; mirrors seldom agree on one). A
 * mirror that ignores Range may send the whole.
 */
export function judgeContinuation(
  answer: ContinuationFacts,
  begun: BodyHead,
  { from, offset }: { readonly from: number; readonly offset: number },
  now: Instant,
): Continuation {
  const part = partOf(answer);
  if (part === null) return { kind: "refuse", reason: { kind: "status", status: answer.status } };
  if (part.total === null || part.total !== begun.size) {
    return differs(`its length is ${part.total ?? "unknown"} instead of ${begun.size}`);
  }
  if (part.start > from || part.end <= offset || part.end > part.total) {
    return differs(`it sends bytes ${part.start} to ${part.end}, asked for those from ${from} on`);
  }
  const encoding = firstValue(answer.headers, "content-encoding");
  if (encoding !== firstValue(begun.headers, "content-encoding")) {
    return differs(`its coding is ${encoding ?? "none"}`);
  }
  if (!isSameVersion(answer, begun, now)) return differs("its validators are others");
  return { kind: "same", start: part.start, end: part.end };
}

function isSameVersion(answer: ContinuationFacts, begun: BodyHead, now: Instant): boolean {
  const { upstream, headers } = answer;
  const etag = strongEtag(firstValue(headers, "etag"));
  const begunEtag = strongEtag(begun.etag);
  if (etag !== null && etag === begunEtag) return true;
  // Two mirrors make their ETags in two ways; one mirror that gives another one has another file.
  if (upstream === begun.upstream && (etag !== null || begunEtag !== null)) return false;
  const date = firstValue(headers, "last-modified");
  return date !== null && begun.lastModified !== null &&
    parseHttpDate(date, now) === begun.lastModified;
}

interface Part {
  readonly start: number;
  readonly end: number;
  readonly total: number | null;
}

function partOf({ status, headers }: ContinuationFacts): Part | null {
  if (status === 206) {
    const range = /^bytes (\d{1,15})-(\d{1,15})\/(?:(\d{1,15})|\*)$/i
      .exec(firstValue(headers, "content-range") ?? "");
    if (range === null) return null;
    const total = range[3] === undefined ? null : Number(range[3]);
    return { start: Number(range[1]), end: Number(range[2]) + 1, total };
  }
  if (status !== 200) return null;
  const length = firstValue(headers, "content-length");
  const total = length !== null && /^\d{1,15}$/.test(length) ? Number(length) : null;
  return { start: 0, end: total ?? 0, total };
}

function differs(detail: string): Continuation {
  return { kind: "refuse", reason: { kind: "differs", detail } };
}
