import type { Instant } from "../types.ts";
import { evaluateConditional, type Preconditions } from "./conditional.ts";
import { type ByteRange, neededBytes, parseRange, rangeApplies, resolveRange } from "./range.ts";

/** The parts of a client's request that select what of a representation is sent. */
export interface SelectingHeaders extends Preconditions {
  readonly method: "GET" | "HEAD";
  readonly range: string | null;
  readonly ifRange: string | null;
}

/** What is known of the representation at this moment. */
export interface RepresentationFacts {
  /** Of the answer without conditions and ranges. */
  readonly status: number;
  /** Bytes of the whole; null while that is unknown. */
  readonly size: number | null;
  /** Bytes that are readable now; of a stored copy all of them. */
  readonly available: number;
  readonly etag: string | null;
  readonly lastModified: Instant | null;
}

/** What to send. */
export type ResponsePlan =
  | { readonly kind: "not-modified" }
  | { readonly kind: "precondition-failed" }
  | { readonly kind: "whole" }
  | { readonly kind: "unsatisfiable"; readonly size: number }
  /** With more than one range as multipart, which takes a known size. */
  | {
    readonly kind: "ranges";
    readonly ranges: readonly [ByteRange, ...ByteRange[]];
    readonly size: number | null;
  }
  /** Plan again when so many bytes are available or the size is known; null: when it is known. */
  | { readonly kind: "wait"; readonly bytes: number | null };

/**
 * Plans the answer in the order of RFC 9110 section 13.2.2: preconditions first, then Range if
 * If-Range lets it count. Range means something for GET alone (section 14.2).
 */
export function planResponse(
  request: SelectingHeaders,
  facts: RepresentationFacts,
  now: Instant,
): ResponsePlan {
  // RFC 9110 sections 13.2.1 and 14.2: what is not there has neither versions nor parts.
  if (facts.status !== 200) return { kind: "whole" };
  const condition = evaluateConditional(request, facts, now);
  if (condition.kind === "not-modified") return { kind: "not-modified" };
  if (condition.kind === "failed") return { kind: "precondition-failed" };
  if (request.method === "HEAD") return { kind: "whole" };
  const specs = parseRange(request.range);
  if (specs === null) return { kind: "whole" };
  if (rangeApplies(request.ifRange, facts.etag, facts.lastModified, now).kind === "ignored") {
    return { kind: "whole" };
  }
  if (facts.size === null) {
    // What is complete enough is sent at once; everything else needs the size.
    const needed = neededBytes(specs);
    if (needed === null || needed > facts.available) return { kind: "wait", bytes: needed };
  }
  const resolved = resolveRange(specs, facts.size ?? facts.available);
  if (resolved.kind === "whole") return { kind: "whole" };
  const [first, ...others] = resolved.kind === "ranges" ? resolved.ranges : [];
  if (first === undefined) return { kind: "unsatisfiable", size: facts.size ?? 0 };
  return { kind: "ranges", ranges: [first, ...others], size: facts.size };
}
