import type { Bond } from "../decide/bond.ts";
import type { CacheResult } from "../decide/cache_status.ts";
import type { FailureStatus } from "../decide/failure.ts";
import type { Fill } from "../fill/fill.ts";
import type { AttemptFailure, BodyHead, Entry, HeaderList, Instant, Target } from "../types.ts";

/** What a client asks the cache for. */
export interface Asked {
  readonly target: Target;
  /** The whole file, a part of it, or what is known of it. */
  readonly want: "whole" | "part" | "head";
  /** All fields of the request; made only where somebody looks. */
  readonly fields: () => HeaderList;
  /** What tells this client from others, such as its address; empty when nothing does. */
  readonly client: string;
  /** Whether a fresh copy is revalidated, too: an operator wants to know. */
  readonly refresh?: true;
  /** What the set that the file belongs to asks of it; absent: it belongs to none. */
  readonly ofSet?: {
    readonly bond: Bond;
    /** A copy that was asked for before this has to be revalidated, and stands in for nothing. */
    readonly since: Instant;
  };
}

/** How a request is answered, and why. */
export type Outcome =
  | {
    readonly kind: "stored";
    readonly result: CacheResult;
    readonly entry: Entry;
    /** Negative when the copy is stale; null: fresh for ever. */
    readonly freshForMs: number | null;
    readonly reason: string;
  }
  | {
    readonly kind: "filling";
    readonly result: CacheResult;
    readonly fill: Fill;
    readonly head: BodyHead;
    /** A small one that is here whole; null: it comes in. */
    readonly body: Uint8Array | null;
    readonly hadStored: boolean;
    readonly reason: string;
  }
  | {
    readonly kind: "passing";
    readonly fill: Fill;
    readonly head: BodyHead;
    readonly hadStored: boolean;
    readonly reason: string;
  }
  /** A head without a body, for a HEAD on something that is not stored. */
  | { readonly kind: "head"; readonly head: BodyHead; readonly reason: string }
  | {
    readonly kind: "failed";
    readonly status: FailureStatus;
    readonly failures: readonly AttemptFailure[];
    /** Milliseconds that this is remembered for when nobody was asked; null: they were. */
    readonly rememberedForMs: number | null;
  }
  /** Nothing is stored, and nobody may be asked. */
  | { readonly kind: "unavailable"; readonly reason: "offline" | "only-if-cached" }
  | { readonly kind: "refused"; readonly reason: string };
