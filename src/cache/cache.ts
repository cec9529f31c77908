import type { CacheResult } from "../decide/cache_status.ts";
import { deltaSeconds, type Directives, requestDirectives } from "../decide/cache_control.ts";
import { failureStatus, isGoneEverywhere, negativeStatus } from "../decide/failure.ts";
import { judgeReuse, policyFor, type Reuse } from "../decide/freshness.ts";
import { chosenAccept } from "../decide/media_choice.ts";
import { matchesVary, selectedFields, selectingFields, variantKey } from "../decide/vary.ts";
import type { Fill, Filler, FillHead, FillRequest } from "../fill/fill.ts";
import type { OpenEntry, Storage } from "../storage/storage.ts";
import type {
  AttemptFailure,
  Clock,
  Entry,
  HeaderList,
  Key,
  Policy,
  Target,
  VariantRule,
} from "../types.ts";
import { type NegativeAnswer, NegativeAnswers } from "./negative_answers.ts";
import type { Asked, Outcome } from "./outcome.ts";

/** What the cache is told. */
export interface CacheOptions {
  readonly storage: Storage;
  readonly filler: Filler;
  /** The first that matches counts; the last matches every path. */
  readonly policies: readonly Policy[];
  /** The first that matches counts. */
  readonly variants: readonly VariantRule[];
  readonly clientDirectives: "ignore" | "honour";
  /** Whether `CDN-Cache-Control` is preferred. */
  readonly targetedDirectives: boolean;
  /** Whether no upstream is ever asked. */
  readonly offline: boolean;
  readonly clock: Clock;
}

/** RFC 5861 section 4: what counts as an upstream's error where every status is an answer. */
const ERROR_STATUSES: ReadonlySet<number> = new Set([500, 502, 503, 504]);

const NO_DIRECTIVES: Directives = new Map();

/** What a client would say to have a copy revalidated. */
const REFRESH: Directives = requestDirectives([["cache-control", "no-cache"]]);

/**
 * How often answers of a key may vary by other fields than those that were looked at so far. Beyond
 * it they take each other's place.
 */
const MAX_VARIANT_DEPTH = 4;

/** Flights that a request joins in vain before it gets one of its own. */
const MAX_JOINED = 4;

/** Bounds the looks of one request, should copies change faster than it can look. */
const MAX_LOOKS = 10;

/** What is stored for a request. */
interface Found {
  /** With the key of the variant that the request selects. */
  readonly target: Target;
  /** What the index has under that key. */
  readonly known: Entry | null;
  /** `known`, unless it is for requests with other fields. */
  readonly entry: Entry | null;
}

/** One request on its way through the cache. */
interface Lookup extends Found {
  readonly asked: Asked;
  readonly policy: Policy;
  readonly directives: Directives;
  /** What a stale copy that may stand in for failing upstreams has left; null when none may. */
  readonly standIn: { readonly entry: Entry; readonly freshForMs: number | null } | null;
  /** Whether upstreams may vouch for `known`: it suits, and its bytes are there. */
  readonly isReadable: boolean;
  /** As `NegativeAnswers.forgotten` was when the request began. */
  readonly forgotten: number;
}

/** What a request has learnt from a flight that was no good for it: it looks again. */
interface Next {
  readonly kind: "again";
  /** To fill for this request alone. */
  readonly alone: boolean;
  /** What the answer varies by; empty: nothing that is different here. */
  readonly vary: HeaderList;
}

/** Decides for each request: serve what is stored, revalidate it, fill, pass on, or refuse. */
export class Cache {
  readonly #options: CacheOptions;
  readonly #negatives = new NegativeAnswers();

  constructor(options: CacheOptions) {
    this.#options = options;
  }

  /**
   * Never rejects for what a client or an upstream does.
   *
   * @param unreadable A stored copy that this very request has tried in vain to open.
   * @throws {StorageError} When the index cannot be read.
   */
  async get(request: Asked, unreadable: Entry | null = null): Promise<Outcome> {
    const asked = inForm(request, this.#options.variants);
    const { clock, clientDirectives, targetedDirectives } = this.#options;
    const policy = policyFor(asked.target.path, this.#options.policies);
    const own = clientDirectives === "honour" ? requestDirectives(asked.fields()) : NO_DIRECTIVES;
    const directives = asked.refresh ? REFRESH : own;
    const question = { targeted: targetedDirectives, request: directives };
    const { forgotten } = this.#negatives;
    let next: Next = { kind: "again", alone: false, vary: [] };
    for (let looks = 1; looks <= MAX_LOOKS; looks++) {
      const found = await this.#find(asked, next.vary);
      const { entry } = found;
      const isReadable = entry !== null && entry.storedAt !== unreadable?.storedAt;
      const reuse = isReadable
        ? reuseInSet(asked, entry) ?? judgeReuse(entry, policy, { now: clock.now(), ...question })
        : null;
      const standIn = standInOf(entry, reuse);
      const lookup = { asked, policy, directives, ...found, standIn, isReadable, forgotten };
      const outcome = this.#withoutAsking(lookup, reuse) ?? await this.#ask(lookup, next.alone);
      if (outcome.kind !== "again") return outcome;
      next = { ...outcome, alone: outcome.alone || looks >= MAX_JOINED };
    }
    throw new Error(`Cannot get ${asked.target.key}: what is stored changes too fast`);
  }

  /** The answer to a request that no upstream has met, remembered as the policy says. */
  protected failed({ target }: Asked, failures: readonly AttemptFailure[]): Outcome {
    const policy = policyFor(target.path, this.#options.policies);
    this.#remember({ target, policy, forgotten: this.#negatives.forgotten }, failures);
    return failed(failures, null);
  }

  /** Opens what `get` found; null when the file has gone: then `get` again. */
  open(entry: Entry): Promise<OpenEntry | null> {
    return this.#options.storage.open(entry);
  }

  /** Whether every client that asks for a path gets the same, as long as the copy is fresh. */
  isForAll(_target: Target): boolean {
    return true;
  }

  /** Counts a use of a stored copy. */
  used(entry: Entry): void {
    this.#options.storage.used(entry.key, this.#options.clock.now());
  }

  /** For how many milliseconds a copy is fresh, negative when it is stale; null: for ever. */
  freshForMs(entry: Entry): number | null {
    const { clock, policies, targetedDirectives: targeted } = this.#options;
    const path = entry.key.replace(/[?\n].*$/s, "");
    const question = { now: clock.now(), targeted, request: NO_DIRECTIVES };
    return judgeReuse(entry, policyFor(path, policies), question).freshForMs;
  }

  /** Copies that no longer count (RFC 9111 section 4.4), their variants included. */
  async invalidate(keys: readonly Key[]): Promise<void> {
    const { storage } = this.#options;
    for (const key of keys) {
      for (const variant of storage.variantsOf(key)) await storage.remove(variant);
      await storage.remove(key);
    }
  }

  /**
   * Nothing that is known or under way now counts for later requests for certain keys, variants
   * included: errors that are remembered are forgotten, downloads are joined by nobody any more and
   * not stored. What is stored is for the caller to remove, once this has resolved.
   */
  async disown(matches: (key: Key) => boolean): Promise<void> {
    this.#negatives.forget(matches);
    await this.#options.filler.disown(matches);
  }

  /**
   * The copy that the request selects, and the key that it has or would have.
   *
   * @param vary What an answer varies by that did not suit; empty: the copies themselves say so.
   */
  async #find({ target, fields }: Asked, vary: HeaderList): Promise<Found> {
    const { storage } = this.#options;
    let selected = vary.length === 0 ? target : variantOf(target, vary, fields());
    let known = storage.find(selected.key) ?? await storage.adopt(selected.key);
    for (let depth = 0; known !== null && !suits(known, fields); depth++) {
      if (depth === MAX_VARIANT_DEPTH) return { target: selected, known, entry: null };
      selected = variantOf(target, known.vary, fields());
      known = storage.find(selected.key) ?? await storage.adopt(selected.key);
    }
    return { target: selected, known, entry: known };
  }

  /** What can be said with no upstream's help; null when one has to be asked. */
  #withoutAsking(lookup: Lookup, reuse: Reuse | null): Outcome | null {
    const { entry, directives } = lookup;
    const { offline } = this.#options;
    if (entry !== null && reuse !== null) {
      const copy = { entry, freshForMs: reuse.freshForMs };
      if (reuse.kind === "fresh") {
        return stored(reuse.reason === "max-stale" ? "STALE" : "HIT", copy, reuse.reason);
      }
      if (offline) return stored("STALE", copy, "offline");
      if (reuse.mayServeWhileRevalidating && !directives.has("only-if-cached")) {
        this.#revalidate(lookup);
        return stored("STALE", copy, "revalidating");
      }
    }
    if (offline) return { kind: "unavailable", reason: "offline" };
    if (directives.has("only-if-cached")) return { kind: "unavailable", reason: "only-if-cached" };
    return null;
  }

  async #ask(lookup: Lookup, alone: boolean): Promise<Outcome | Next> {
    const { asked, entry } = lookup;
    const remembered = this.#remembered(lookup);
    if (remembered !== null) {
      const { failures, until } = remembered;
      const { standIn } = lookup;
      if (standIn === null || isGoneEverywhere(failures)) {
        return failed(failures, until - this.#options.clock.now());
      }
      return stored("STALE", standIn, "negative");
    }
    if (asked.want === "head" && entry === null) return await this.#probe(lookup);
    const wantsLead = asked.want === "whole";
    const unstorable = lookup.directives.has("no-store") ? "client-no-store" : null;
    const fill = this.#fill(lookup, { wantsLead, unstorable, alone: alone || unstorable !== null });
    const head = await fill.head;
    return afterJoining(fill, head, lookup) ?? this.#outcome(lookup, fill, head);
  }

  #fill(lookup: Lookup, how: Pick<FillRequest, "wantsLead" | "unstorable" | "alone">): Fill {
    const { target, known, isReadable } = lookup;
    const byDirectives = this.#byDirectives(lookup);
    const bond = lookup.asked.ofSet?.bond ?? null;
    const request = { target, known, revalidates: isReadable, byDirectives, bond };
    return this.#options.filler.fill({ ...request, ...how });
  }

  #byDirectives({ asked, policy }: Lookup): FillRequest["byDirectives"] {
    if (policy.refreshAfter !== "upstream") return null;
    return { request: asked.fields(), targeted: this.#options.targetedDirectives };
  }

  /** In the background, one at a time for a key: what is under way is joined, and nobody waits. */
  #revalidate(lookup: Lookup): void {
    if (this.#negatives.find(lookup.target, this.#options.clock.now()) !== null) return;
    const fill = this.#fill(lookup, { wantsLead: false, unstorable: null, alone: false });
    if (fill.role === "joiner") return;
    void fill.head.then((head) => {
      if (head.kind === "passing") void fill.takeLead()?.cancel();
      if (head.kind !== "failed" || lookup.asked.ofSet !== undefined) return;
      this.#remember(lookup, head.failures);
    });
  }

  async #probe(lookup: Lookup): Promise<Outcome> {
    const { filler } = this.#options;
    const probed = await filler.probe(lookup.target, this.#byDirectives(lookup));
    switch (probed.kind) {
      case "head":
        return { kind: "head", head: probed.head, reason: "head-of-uncached" };
      case "failed":
        this.#remember(lookup, probed.failures);
        return failed(probed.failures, null);
      case "refused":
        return { kind: "refused", reason: probed.reason };
    }
  }

  #outcome(lookup: Lookup, fill: Fill, head: FillHead): Outcome {
    const { entry, standIn } = lookup;
    const hadStored = entry !== null;
    switch (head.kind) {
      case "filling": {
        if (standIn !== null && ERROR_STATUSES.has(head.head.status)) {
          void fill.takeLead()?.cancel();
          return stored("STALE", standIn, `upstream-answered-${head.head.status}`);
        }
        const result = fill.role === "leader" ? "MISS" : "JOINED";
        const reason = hadStored ? "changed-upstream" : "not-stored";
        const body = head.body ?? null;
        return { kind: "filling", result, fill, head: head.head, body, hadStored, reason };
      }
      case "passing":
        if (standIn !== null && ERROR_STATUSES.has(head.head.status)) {
          void fill.takeLead()?.cancel();
          return stored("STALE", standIn, `upstream-answered-${head.head.status}`);
        }
        return { kind: "passing", fill, head: head.head, hadStored, reason: head.reason };
      case "validated":
        return this.#storedNow("REVALIDATED", lookup, head.entry, "not-modified-upstream");
      case "stored":
        return this.#storedNow("HIT", lookup, head.entry, "filled-meanwhile");
      case "failed":
        // What one mirror has not got, another one may have.
        if (lookup.asked.ofSet === undefined) this.#remember(lookup, head.failures);
        if (standIn === null || isGoneEverywhere(head.failures)) return failed(head.failures, null);
        return stored("STALE", standIn, "no-upstream-delivered");
      case "refused":
        if (standIn === null) return { kind: "refused", reason: head.reason };
        return stored("STALE", standIn, head.reason);
    }
  }

  /** A copy that was vouched for a moment ago is served, whatever its directives say. */
  #storedNow(result: CacheResult, lookup: Lookup, entry: Entry, reason: string): Outcome {
    const { clock, targetedDirectives: targeted } = this.#options;
    const question = { now: clock.now(), targeted, request: NO_DIRECTIVES };
    const { freshForMs } = judgeReuse(entry, lookup.policy, question);
    return stored(result, { entry, freshForMs }, reason);
  }

  /** An answer that is remembered is a stored one: a client that wants none gets none. */
  #remembered({ target, directives }: Lookup): NegativeAnswer | null {
    if (directives.has("no-cache") || deltaSeconds(directives, "max-age") === 0) return null;
    return this.#negatives.find(target, this.#options.clock.now());
  }

  #remember(
    { target, policy, forgotten }: Pick<Lookup, "target" | "policy" | "forgotten">,
    failures: readonly AttemptFailure[],
  ): void {
    // Meanwhile an operator wants to know it anew.
    if (forgotten !== this.#negatives.forgotten) return;
    const status = negativeStatus(failures);
    const forMs = status === null ? undefined : policy.negative.get(status);
    if (forMs === undefined) return;
    this.#negatives.remember(target, { failures, until: this.#options.clock.now() + forMs });
  }
}

/** The form that the request chooses of a path that has several. */
function inForm(asked: Asked, variants: readonly VariantRule[]): Asked {
  const { target } = asked;
  const rule = variants.find(({ match }) => match.test(target.path));
  if (rule === undefined) return asked;
  const sent = asked.fields();
  const accept = chosenAccept(rule, sent);
  if (accept === null) return asked;
  const selected = selectedFields(accept);
  const fields = [...sent.filter(([name]) => name !== "accept"), ...selected];
  const form = { ...target, key: variantKey(target.key, selected), accept };
  return { ...asked, target: form, fields: () => fields };
}

/**
 * A joiner shares the flight's good fortune, not everything else: a mirror may refuse one spelling
 * of a path and know the other, a body that passes by the disk exists for its leader alone, and an
 * answer may vary by what the two requests have different. null: what came is for the joiner too.
 */
function afterJoining(fill: Fill, head: FillHead, { asked, target }: Lookup): Next | null {
  if (fill.role === "leader") return null;
  switch (head.kind) {
    case "passing":
      return { kind: "again", alone: true, vary: [] };
    case "failed": {
      const { rawPath, query } = fill.target;
      const isSameSpelling = rawPath === target.rawPath && query === target.query;
      return isSameSpelling ? null : { kind: "again", alone: true, vary: [] };
    }
    case "filling":
    case "stored":
    case "validated": {
      const answer = head.kind === "filling" ? head.head : head.entry;
      if (suits(answer, asked.fields)) return null;
      return { kind: "again", alone: false, vary: answer.vary };
    }
    case "refused":
      return null;
  }
}

/** A copy from before its set changed may not fit the set, however young it is. */
function reuseInSet({ ofSet }: Asked, { requestedAt }: Entry): Reuse | null {
  if (ofSet === undefined || requestedAt >= ofSet.since) return null;
  const never = { mayServeWhileRevalidating: false, mayServeOnError: false };
  return { kind: "stale", reason: "old", freshForMs: 0, ...never };
}

function standInOf(entry: Entry | null, reuse: Reuse | null): Lookup["standIn"] {
  if (entry === null || reuse?.kind !== "stale" || !reuse.mayServeOnError) return null;
  // An old error is no better than a new one.
  return ERROR_STATUSES.has(entry.status) ? null : { entry, freshForMs: reuse.freshForMs };
}

/** Fields are looked at only where an answer varies by them. */
function suits({ vary }: Pick<Entry, "vary">, fields: Asked["fields"]): boolean {
  return vary.length === 0 || matchesVary(vary, fields());
}

function variantOf(target: Target, vary: HeaderList, request: HeaderList): Target {
  const fields = selectingFields(vary.map(([name]) => name), request);
  return { ...target, key: variantKey(target.key, fields) };
}

function stored(
  result: CacheResult,
  copy: { readonly entry: Entry; readonly freshForMs: number | null },
  reason: string,
): Outcome {
  return { kind: "stored", result, ...copy, reason };
}

function failed(failures: readonly AttemptFailure[], rememberedForMs: number | null): Outcome {
  return { kind: "failed", status: failureStatus(failures), failures, rememberedForMs };
}
