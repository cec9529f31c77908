import { isGoneEverywhere } from "../decide/failure.ts";
import { policyFor } from "../decide/freshness.ts";
import type { Bond } from "../decide/bond.ts";
import { type Place, placeInSets } from "../decide/sets.ts";
import type { Fill, FillEnd } from "../fill/fill.ts";
import type { AttemptFailure, Entry, FileSet, Target } from "../types.ts";
import { Cache, type CacheOptions } from "./cache.ts";
import { CopyDigests } from "./copy_digests.ts";
import { bondOf, type Member, Memberships } from "./membership.ts";
import type { Asked, Outcome } from "./outcome.ts";
import { SetReaders } from "./set_readers.ts";

/** How often one request for a file of a set looks anew: the set may move once for each mirror. */
const MAX_TRIES = 8;

/**
 * How long a file is held back until all of its bytes have been checked, in milliseconds. Within
 * that time a wrong one costs the client nothing but a pause; after it the client gets what is there
 * and, if the file proves to be wrong, a broken transfer.
 */
const HOLD_MS = 3_000;

/** Why a stale copy is given when the mirror was asked and has failed. */
const FAILED = /^(?:no-upstream-delivered|upstream-answered-5..)$/;

/** Read the anchor again, and then the file. */
const SET_CHANGED: Outcome = { kind: "refused", reason: "set-changed" };

/** What the cache is told, and which files belong together. */
export interface SetCacheOptions extends CacheOptions {
  /** The first that matches counts. */
  readonly sets: readonly FileSet[];
}

/** What came of asking the mirror that gave the anchor. */
type Attempt =
  | { readonly kind: "answer"; readonly outcome: Outcome }
  /** What is stored has changed meanwhile. */
  | { readonly kind: "again" }
  | {
    readonly kind: "failed";
    readonly failures: readonly AttemptFailure[];
    /** A copy that may stand in, as long as the set stays as it is. */
    readonly standIn: Outcome | null;
  };

/** A copy that may stand in while its set is in a certain state. */
interface StandIn {
  readonly outcome: Outcome;
  readonly version: string;
}

/**
 * A cache in which files that belong together stay together: those of a set come from the mirror
 * that gave its anchor, and a client that has read one state of a set is given nothing of another.
 */
export class SetCache extends Cache {
  readonly #options: SetCacheOptions;
  readonly #digests: CopyDigests;
  readonly #readers: SetReaders;
  readonly #memberships: Memberships;
  /** Moves under way. */
  readonly #moves = new Map<string, Promise<readonly AttemptFailure[]>>();

  constructor(options: SetCacheOptions) {
    super(options);
    this.#options = options;
    const { storage, clock } = options;
    this.#digests = new CopyDigests(storage);
    this.#readers = new SetReaders(clock);
    const parts = { storage, digests: this.#digests, readers: this.#readers };
    this.#memberships = new Memberships(parts);
  }

  override async get(request: Asked, unreadable: Entry | null = null): Promise<Outcome> {
    const { target } = request;
    const { sets, offline } = this.#options;
    const place = offline || target.query !== "" ? null : placeInSets(target.path, sets);
    if (place === null) return await super.get(request, unreadable);
    if (place.role === "member") return await this.#getMember(request, place, unreadable);
    this.#memberships.learn(place, target.key);
    const outcome = await super.get(request, unreadable);
    if (request.want === "head") return outcome;
    const version = this.#versionIn(outcome);
    // A copy can be read only as long as nothing else has taken its place.
    if (outcome.kind === "stored") await version;
    this.#readers.note(request.client, place.set, target.key, version);
    return outcome;
  }

  /** What a client gets of a set depends on what it has read of it before. */
  override isForAll({ path }: Target): boolean {
    return placeInSets(path, this.#options.sets) === null;
  }

  async #getMember(asked: Asked, place: Place, unreadable: Entry | null): Promise<Outcome> {
    const policy = policyFor(asked.target.path, this.#options.policies);
    const failures: AttemptFailure[] = [];
    const triedUpstreams: string[] = [];
    const tried = new Set<string>();
    let standIn = null as StandIn | null;
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const membership = await this.#memberships.judge(asked, place, policy);
      if (membership.kind === "outdated") return SET_CHANGED;
      if (membership.kind === "free") return await super.get(asked, unreadable);
      if (membership.kind === "listed") return await this.#getListed(asked, membership, unreadable);
      const { member } = membership;
      const { upstream, version, otherwise } = member;
      if (standIn?.version !== version) standIn = null;
      if (tried.has(`${upstream} ${version}`)) {
        return standIn?.outcome ?? this.failed(asked, failures);
      }
      const attempt = await this.#attempt(asked, member, member.unfit ?? unreadable);
      if (attempt.kind === "answer") return attempt.outcome;
      if (attempt.kind === "again") continue;
      tried.add(`${upstream} ${version}`);
      triedUpstreams.push(upstream);
      failures.push(...attempt.failures);
      if (attempt.standIn !== null) standIn = { outcome: attempt.standIn, version };
      if (otherwise === "ask-others") return await this.#askOthers(asked, member, failures);
      const isFinal = otherwise === "move-unless-gone" && isGoneEverywhere(attempt.failures);
      if (isFinal) return this.failed(asked, failures);
      failures.push(...await this.#move(asked, member, triedUpstreams));
    }
    return SET_CHANGED;
  }

  /** A copy that is what is listed is good, however old it is; unless its bytes cannot be had. */
  async #getListed(
    asked: Asked,
    { entry }: { readonly entry: Entry },
    unreadable: Entry | null,
  ): Promise<Outcome> {
    if (entry.storedAt === unreadable?.storedAt) return await super.get(asked, unreadable);
    return { kind: "stored", result: "HIT", entry, freshForMs: null, reason: "listed" };
  }

  /** For a file that is the same wherever it comes from. */
  async #askOthers(
    asked: Asked,
    { upstream, listed }: Member,
    failures: readonly AttemptFailure[],
  ): Promise<Outcome> {
    const bond: Bond = { from: { kind: "except", upstreams: [upstream] }, listed };
    const others = await super.get({ ...asked, ofSet: { bond, since: 0 } });
    if (others.kind !== "failed") return others;
    return this.failed(asked, [...failures, ...others.failures]);
  }

  async #attempt(asked: Asked, member: Member, unreadable: Entry | null): Promise<Attempt> {
    const ofSet = { bond: bondOf(member), since: member.since };
    const outcome = await super.get({ ...asked, ofSet }, unreadable);
    switch (outcome.kind) {
      case "failed": {
        const { failures, rememberedForMs } = outcome;
        if (rememberedForMs !== null) return { kind: "answer", outcome };
        return { kind: "failed", failures, standIn: null };
      }
      case "stored": {
        if (outcome.result === "STALE" && FAILED.test(outcome.reason)) {
          const reason = { kind: "network", detail: "did not deliver" } as const;
          const failures = [{ upstream: member.upstream, reason }];
          return { kind: "failed", failures, standIn: outcome };
        }
        const { listed } = member;
        const digest = listed === null ? null : await this.#digests.digest(outcome.entry);
        return digest === (listed?.sha256 ?? null)
          ? { kind: "answer", outcome }
          : { kind: "again" };
      }
      case "filling":
        return await this.#check(asked, member, outcome);
      default:
        return { kind: "answer", outcome };
    }
  }

  /** Holds a file back until it is known to belong to the state that the client has read. */
  async #check(
    asked: Asked,
    member: Member,
    outcome: Extract<Outcome, { kind: "filling" }>,
  ): Promise<Attempt> {
    const { fill, head } = outcome;
    const giveUp = (): void => void fill.takeLead()?.cancel();
    if (fill.role === "joiner" && !isSameBond(fill.bond, bondOf(member))) {
      await endOf(fill);
      return { kind: "again" };
    }
    if (member.listed !== null) {
      const end = await this.#endWithin(fill, HOLD_MS);
      if (end?.kind !== "broken") return { kind: "answer", outcome };
      giveUp();
      const reason = { kind: "network", detail: end.reason } as const;
      return { kind: "failed", failures: [{ upstream: head.upstream, reason }], standIn: null };
    }
    if (!member.confirms) return { kind: "answer", outcome };
    const from = { kind: "only", upstream: member.upstream } as const;
    const failures = await this.#askAnchor(asked, member.anchor, from);
    if (failures.length === 0 && await this.#isStill(member)) return { kind: "answer", outcome };
    giveUp();
    if (failures.length === 0) return { kind: "again" };
    return { kind: "failed", failures, standIn: null };
  }

  /**
   * Takes the set over to another mirror, by taking the anchor from it. The mirror that failed is
   * asked last: what the set has there may be another state by now.
   *
   * @returns Why it stays where it is; empty when it has moved.
   */
  async #move(
    asked: Asked,
    { anchor, upstream, version }: Member,
    tried: readonly string[],
  ): Promise<readonly AttemptFailure[]> {
    const name = JSON.stringify([anchor.key, version, tried]);
    const underWay = this.#moves.get(name);
    if (underWay !== undefined) return await underWay;
    const move = async (): Promise<readonly AttemptFailure[]> => {
      const except = { kind: "except", upstreams: [...tried] } as const;
      const failures = await this.#askAnchor(asked, anchor, except);
      if (failures.length === 0 && this.#upstreamOf(anchor) !== upstream) return [];
      await this.#askAnchor(asked, anchor, { kind: "only", upstream });
      return failures;
    };
    const moving = move().finally(() => this.#moves.delete(name));
    this.#moves.set(name, moving);
    return await moving;
  }

  #upstreamOf({ key }: Entry): string | null {
    return this.#options.storage.find(key)?.upstream ?? null;
  }

  /** Asks for the anchor; resolves when what came of it is stored. */
  async #askAnchor(
    asked: Asked,
    anchor: Entry,
    from: Bond["from"],
  ): Promise<readonly AttemptFailure[]> {
    const { key } = anchor;
    const { storage, filler, policies, targetedDirectives: targeted } = this.#options;
    const { refreshAfter } = policyFor(key, policies);
    const fill = filler.fill({
      target: { key, path: key, rawPath: key, query: "" },
      known: storage.find(key),
      revalidates: true,
      byDirectives: refreshAfter === "upstream" ? { request: asked.fields(), targeted } : null,
      unstorable: null,
      wantsLead: false,
      alone: from.kind === "except",
      bond: { from, listed: null },
    });
    const head = await fill.head;
    if (head.kind === "failed") return head.failures;
    if (head.kind === "passing") void fill.takeLead()?.cancel();
    if (head.kind !== "filling") return [];
    const end = await endOf(fill);
    if (end.kind === "stored") return [];
    const reason = { kind: "network", detail: end.reason } as const;
    return [{ upstream: head.head.upstream, reason }];
  }

  async #isStill({ anchor, version }: Member): Promise<boolean> {
    const now = this.#options.storage.find(anchor.key);
    return now !== null && (await this.#digests.digest(now)) === version;
  }

  /** Which state an answer with an anchor stands for; never rejects. */
  async #versionIn(outcome: Outcome): Promise<string | null> {
    try {
      if (outcome.kind === "stored") {
        return (await this.#digests.state(outcome.entry))?.version ?? null;
      }
      if (outcome.kind !== "filling") return null;
      const end = await endOf(outcome.fill);
      return end.kind === "stored" ? (await this.#digests.state(end.entry))?.version ?? null : null;
    } catch {
      // Whoever reads the copy itself is told why it cannot be read.
      return null;
    }
  }

  async #endWithin(fill: Fill, ms: number): Promise<FillEnd | null> {
    const late = Promise.withResolvers<null>();
    const cancel = this.#options.clock.after(ms, () => late.resolve(null));
    try {
      return await Promise.race([endOf(fill), late.promise]);
    } finally {
      cancel();
    }
  }
}

async function endOf({ progress }: Fill): Promise<FillEnd> {
  while (progress.end === null) await progress.changed();
  return progress.end;
}

function isSameBond(one: Bond | null, other: Bond): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
