import type { CacheResult } from "../decide/cache_status.ts";
import { type FailureStatus, failureStatus, isGoneEverywhere } from "../decide/failure.ts";
import { freshness, policyFor } from "../decide/freshness.ts";
import type { Fill, Filler, FillHead } from "../fill/fill.ts";
import type { OpenEntry, Storage } from "../storage/storage.ts";
import type { AttemptFailure, BodyHead, Clock, Entry, Policy, Target } from "../types.ts";

/** What the cache is told. */
export interface CacheOptions {
  readonly storage: Storage;
  readonly filler: Filler;
  /** The first that matches counts; the last matches every path. */
  readonly policies: readonly Policy[];
  readonly clock: Clock;
}

/** What the client wants of the file. */
export type Want = "whole" | "part" | "head";

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
  }
  | { readonly kind: "refused"; readonly reason: string };

/** Decides for each request: serve what is stored, revalidate it, fill, pass on, or refuse. */
export class Cache {
  readonly #options: CacheOptions;

  constructor(options: CacheOptions) {
    this.#options = options;
  }

  /** Never rejects for what a client or an upstream does. */
  async get(target: Target, want: Want): Promise<Outcome> {
    const { storage, clock } = this.#options;
    const entry = storage.find(target.key) ?? await storage.adopt(target.key);
    if (entry !== null) {
      const { kind, reason } = freshness(entry, this.#policy(target).refreshAfter, clock.now());
      if (kind === "fresh") return this.#stored("HIT", target, entry, reason);
    } else if (want === "head") {
      return await this.#probe(target);
    }
    return await this.#fill(target, entry, want);
  }

  /** Opens what `get` found; null when the file has gone: then `get` again. */
  open(entry: Entry): Promise<OpenEntry | null> {
    return this.#options.storage.open(entry);
  }

  /** Counts a use of a stored copy. */
  used(entry: Entry): void {
    this.#options.storage.used(entry.key, this.#options.clock.now());
  }

  async #probe(target: Target): Promise<Outcome> {
    const probed = await this.#options.filler.probe(target);
    switch (probed.kind) {
      case "head":
        return { kind: "head", head: probed.head, reason: "head-of-uncached" };
      case "failed":
        return failed(probed.failures);
      case "refused":
        return { kind: "refused", reason: probed.reason };
    }
  }

  async #fill(target: Target, entry: Entry | null, want: Want): Promise<Outcome> {
    const request = { target, known: entry, wantsLead: want === "whole" };
    const fill = this.#options.filler.fill({ ...request, alone: false });
    const head = await fill.head;
    if (!mustGoAlone(fill, head, target)) return this.#outcome(target, entry, fill, head);
    const own = this.#options.filler.fill({ ...request, alone: true });
    return this.#outcome(target, entry, own, await own.head);
  }

  #outcome(target: Target, entry: Entry | null, fill: Fill, head: FillHead): Outcome {
    const hadStored = entry !== null;
    switch (head.kind) {
      case "filling": {
        const result = fill.role === "leader" ? "MISS" : "JOINED";
        const reason = hadStored ? "changed-upstream" : "not-stored";
        return { kind: "filling", result, fill, head: head.head, hadStored, reason };
      }
      case "passing":
        return { kind: "passing", fill, head: head.head, hadStored, reason: head.reason };
      case "validated":
        return this.#stored("REVALIDATED", target, head.entry, "not-modified-upstream");
      case "stored":
        return this.#stored("HIT", target, head.entry, "filled-meanwhile");
      case "failed":
        if (entry === null || isGoneEverywhere(head.failures)) return failed(head.failures);
        return this.#stored("STALE", target, entry, "no-upstream-delivered");
      case "refused":
        if (entry === null) return { kind: "refused", reason: head.reason };
        return this.#stored("STALE", target, entry, head.reason);
    }
  }

  #stored(result: CacheResult, target: Target, entry: Entry, reason: string): Outcome {
    const { refreshAfter } = this.#policy(target);
    const freshForMs = typeof refreshAfter !== "number"
      ? null
      : entry.validatedAt + refreshAfter - this.#options.clock.now();
    return { kind: "stored", result, entry, freshForMs, reason };
  }

  #policy(target: Target): Policy {
    return policyFor(target.path, this.#options.policies);
  }
}

/**
 * A joiner shares the flight's good fortune, not everything else: a mirror may refuse one spelling
 * of a path and know the other, and a body that passes by the disk exists for its leader alone.
 */
function mustGoAlone(fill: Fill, head: FillHead, target: Target): boolean {
  if (fill.role === "leader") return false;
  if (head.kind === "passing") return true;
  const { rawPath, query } = fill.target;
  return head.kind === "failed" && (rawPath !== target.rawPath || query !== target.query);
}

function failed(failures: readonly AttemptFailure[]): Outcome {
  return { kind: "failed", status: failureStatus(failures), failures };
}
