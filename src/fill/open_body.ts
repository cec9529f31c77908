import { isResumable, strongEtag } from "../decide/continuation.ts";
import type { BodySource } from "./body_source.ts";
import type { PieceBuffers } from "./piece_buffers.ts";
import { type Body, ResumableBody } from "./resumable_body.ts";
import { SegmentMirror } from "./segment_mirror.ts";
import { SegmentedBody } from "./segmented_body.ts";
import { type Takeover, takeOver } from "./take_over.ts";

/** When a file is fetched from several mirrors at once, and how far ahead. */
export interface SegmentSettings {
  /** Smaller files come from one mirror. */
  readonly thresholdBytes: number;
  /** Bytes of one file that are fetched ahead and not handed out, at most. */
  readonly windowBytes: number;
}

/** A body under way, and how it may go on. */
export interface BodyPlan extends Takeover {
  /** null: one mirror gives all of it, unless it breaks off. */
  readonly segments: SegmentSettings | null;
  /** Bytes that the winner may have delivered during the race. */
  readonly firstChunkBytes: number;
  /** As in `PaceRules`. */
  readonly minimumBytesPerSecond: number;
  /** What pieces are given back to; null: they are their reader's to keep. */
  readonly buffers: PieceBuffers | null;
}

/**
 * The winner's body, made to survive the winner. A large one comes from several mirrors of the
 * winner's priority group; whether these have the same file shows when they are asked.
 */
export function openBody(won: BodySource, plan: BodyPlan): Body {
  const { head, segments, target, buffers } = plan;
  const mirrors = segments === null ? [] : segmentMirrors(plan);
  const size = head.size ?? 0;
  if (segments === null || mirrors.length < 2 || size < segments.thresholdBytes) {
    if (buffers !== null) won.reuse(buffers);
    return new ResumableBody(won, head, (at, signal) => takeOver(plan, at, signal), plan);
  }
  return new SegmentedBody(won, {
    ...plan,
    key: target.key,
    pace: plan,
    size,
    mirrors,
    windowBytes: segments.windowBytes,
    takeOver: (at, unfit, signal) => {
      const groups = plan.groups.map((group) =>
        group.filter(({ upstream }) => !unfit.has(upstream.name))
      );
      return takeOver({ ...plan, groups }, at, signal);
    },
  });
}

/** A lower group is for when all of the one above have failed, not for more of the same. */
function segmentMirrors({ head, groups, clientOf, race }: BodyPlan): readonly SegmentMirror[] {
  if (!isResumable(head)) return [];
  const group = groups.find((it) => it.some(({ upstream }) => upstream.name === head.upstream));
  return (group ?? []).map((candidate) => {
    const { name } = candidate.upstream;
    const etag = name === head.upstream ? strongEtag(head.etag) : null;
    return new SegmentMirror(candidate, clientOf(name), race, etag);
  });
}
