/** Bytes that each segment has in common with its neighbour, to be compared before they are joined. */
export const SEGMENT_OVERLAP_BYTES = 4 * 1024;

/** A segment is never longer, so that the one that is waited for is soon here… */
const MAX_SEGMENT_BYTES = 4 * 1024 * 1024;

/** … and shorter only in a small window or at the end of the file: each costs a request. */
const MIN_SEGMENT_BYTES = 1024 * 1024;

/** In a small window segments are smaller, so that several mirrors find room in it. */
const MAX_SEGMENTS_OF_A_WINDOW = 8;

/** How long a mirror should be busy with one segment, in milliseconds. */
const SEGMENT_TARGET_MS = 1000;

/** A segment that is asked again elsewhere must come in less than half of the time, and save… */
const WORTH_REPEATING = 2;

/** … so many milliseconds: short delays are every network's. */
const LAG_TOLERANCE_MS = 200;

/** What a mirror is expected to take for a segment that has not shown its rate. */
const UNKNOWN_SEGMENT_MS = 1000;

/** The smallest and the largest segment, in bytes. */
export interface SegmentSizes {
  readonly min: number;
  readonly max: number;
}

/** A transfer under way. */
export interface TransferFacts {
  readonly received: number;
  readonly remaining: number;
  /** Since it was asked for, in milliseconds; time in which nobody read is left out. */
  readonly elapsedMs: number;
  /** Since its last byte. */
  readonly silentMs: number;
}

/** The sizes of segments that fit a window of so many bytes. */
export function segmentSizes(windowBytes: number): SegmentSizes {
  const max = Math.min(MAX_SEGMENT_BYTES, Math.ceil(windowBytes / MAX_SEGMENTS_OF_A_WINDOW));
  return { min: Math.min(MIN_SEGMENT_BYTES, Math.ceil(max / 2)), max };
}

/**
 * How many bytes a mirror is given next: what it delivers in a second, but towards the end of the
 * file only its part of what is left, so that all mirrors end together.
 *
 * @param rate Bytes per millisecond; null when it has not shown any.
 * @param left Bytes of the file that nobody has been given yet; over 0.
 */
export function segmentBytes(
  rate: number | null,
  { min, max }: SegmentSizes,
  left: number,
  mirrors: number,
): number {
  const wanted = rate === null ? min : rate * SEGMENT_TARGET_MS;
  const fair = left / (2 * mirrors);
  return Math.min(left, Math.max(min, Math.min(max, Math.floor(Math.min(wanted, fair)))));
}

/**
 * Whether a mirror delivers its smallest segment in the time in which the others fill the window. A
 * slower one would have them wait for it.
 */
export function isFastEnough(
  rate: number | null,
  othersRate: number,
  sizes: SegmentSizes,
  windowBytes: number,
): boolean {
  return rate === null || rate * windowBytes >= sizes.min * othersRate;
}

/**
 * The time that a transfer is expected to take yet, in milliseconds: at the rate that it has had,
 * and no less than the time for which it has been silent.
 */
export function timeLeftMs({ received, remaining, elapsedMs, silentMs }: TransferFacts): number {
  if (remaining <= 0) return 0;
  return received === 0 ? elapsedMs : Math.max(silentMs, elapsedMs * remaining / received);
}

/**
 * Whether to ask another mirror for what a lagging one is expected to take so long for.
 *
 * @param rate The other mirror's, in bytes per millisecond; null when it has not shown any.
 */
export function isWorthRepeating(leftMs: number, bytes: number, rate: number | null): boolean {
  const otherMs = rate === null ? UNKNOWN_SEGMENT_MS : bytes / rate;
  return leftMs > WORTH_REPEATING * otherMs + LAG_TOLERANCE_MS;
}
