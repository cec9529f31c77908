import { getLogger } from "@logtape/logtape";
import type { Bond } from "../decide/bond.ts";
import type { Candidate } from "../decide/candidates.ts";
import { describeFailure } from "../decide/failure.ts";
import { endToEndFields, firstValue } from "../decide/fields.ts";
import { parseHttpDate } from "../decide/http_date.ts";
import { privacyOf } from "../decide/private_answer.ts";
import { updatedFields } from "../decide/updated_fields.ts";
import { selectingFields, varyNames } from "../decide/vary.ts";
import { UpstreamError } from "../errors.ts";
import type { EntryFacts, PartialFile, Storage, Validation } from "../storage/storage.ts";
import type {
  AttemptFailure,
  BodyHead,
  ByDirectives,
  Clock,
  Entry,
  Instant,
  Target,
} from "../types.ts";
import type { BodySource } from "./body_source.ts";
import { contestant, type Won } from "./contestant.ts";
import type { FillHead } from "./fill.ts";
import type { ForkEnd } from "./file_branch.ts";
import { fork } from "./fork.ts";
import type { Inspection } from "./inspector.ts";
import { followGrowing, type OpenStored } from "./growing_reader.ts";
import type { FillTrack } from "./fill_track.ts";
import { logFailures } from "./log_failures.ts";
import { openBody, type SegmentSettings } from "./open_body.ts";
import { passingStream } from "./passing_stream.ts";
import { PieceBuffers } from "./piece_buffers.ts";
import { ProgressSignal } from "./progress_signal.ts";
import type { RaceRules } from "./line_up.ts";
import { race, type RaceResult } from "./race.ts";
import type { Body } from "./resumable_body.ts";
import { Rivals } from "./rivals.ts";
import { isSameAsStored } from "./same_bytes.ts";
import { SkipAhead, type SkipAheadParts } from "./skip_ahead.ts";
import type { StorageTrouble } from "./storage_trouble.ts";
import type { UpstreamClient } from "./upstream_client.ts";

const log = getLogger(["cache-proxy", "fill"]);

/**
 * So many small bodies may be with their clients and not yet stored: beyond it a client waits for
 * the disk, or those who ask faster than it writes would be refused for too many fills.
 */
const MAX_AHEAD_OF_DISK = 64;

/** What a flight works with. */
export interface FlightParts {
  readonly storage: Storage;
  readonly trouble: StorageTrouble;
  /** Small bodies that are being stored, of all flights together. */
  readonly storing: { count: number };
  readonly clock: Clock;
  readonly clientOf: (upstream: string) => UpstreamClient;
  readonly firstChunkBytes: number;
  readonly chunkBytes: number;
  readonly stallTimeoutMs: number;
  readonly race: RaceRules;
  readonly track: FillTrack;
  /** As in `PaceRules`. */
  readonly minimumBytesPerSecond: number;
  /** When a file is fetched from several mirrors at once; null: never. */
  readonly segments: SegmentSettings | null;
  readonly rangeSkipBytes: SkipAheadParts["rangeSkipBytes"];
  readonly openPart: SkipAheadParts["openPart"];
  /** Compares what comes with what is published of it. */
  readonly inspection: Inspection;
}

/** What a flight is for. */
export interface FlightPlan {
  readonly target: Target;
  readonly groups: readonly (readonly Candidate[])[];
  readonly known: Entry | null;
  readonly revalidates: boolean;
  readonly byDirectives: ByDirectives | null;
  readonly unstorable: string | null;
  readonly wantsLead: boolean;
  readonly bond: Bond | null;
  /** Called when those who come later have nothing to gain from joining. */
  readonly onUnshareable: () => void;
}

/**
 * One key's way into the cache: race, head, body to the file and to the client that leads, commit.
 * It belongs to nobody who asked for it: it completes what it started, whoever leaves.
 */
export class Flight {
  readonly target: Target;
  readonly progress: ProgressSignal = new ProgressSignal();
  readonly head: Promise<FillHead>;
  /** Resolves when nothing of the flight is left; never rejects. */
  readonly done: Promise<void>;
  readonly #parts: FlightParts;
  readonly #plan: FlightPlan;
  readonly #rivals: Rivals;
  readonly #head = Promise.withResolvers<FillHead>();
  readonly #controller = new AbortController();
  readonly #startedAt: Instant;
  #path: string | null = null;
  #lead: ReadableStream<Uint8Array> | null = null;
  #rest: ReadableStream<Uint8Array> | null = null;
  #skips: SkipAhead | null = null;
  #isDisowned = false;
  /** Under way or over; null before that. */
  #publication: Promise<unknown> | null = null;

  constructor(parts: FlightParts, plan: FlightPlan) {
    this.#parts = parts;
    this.#plan = plan;
    this.#rivals = new Rivals(plan.groups, parts.race.standings);
    this.target = plan.target;
    this.head = this.#head.promise;
    this.#startedAt = parts.clock.now();
    this.done = this.#run();
  }

  get bond(): Bond | null {
    return this.#plan.bond;
  }

  get path(): string | null {
    return this.#path;
  }

  takeLead(): ReadableStream<Uint8Array> | null {
    const lead = this.#lead;
    this.#lead = null;
    return lead;
  }

  claimRest(): ReadableStream<Uint8Array> | null {
    const rest = this.#rest;
    this.#rest = null;
    return rest;
  }

  /** As `Fill.skipTo`. */
  async skipTo(
    start: number,
    end: number,
    signal: AbortSignal,
    tail?: Uint8Array,
  ): Promise<ReadableStream<Uint8Array> | null> {
    return await this.#skips?.skipTo(start, end, signal, tail) ?? null;
  }

  /** Counts one more joiner. Returns what to call when it has left. */
  addJoiner(): () => void {
    return this.#parts.track.joined();
  }

  /** From now on it publishes nothing. Resolves when what it was just publishing is published. */
  async disown(): Promise<void> {
    this.#isDisowned = true;
    await this.#publication;
  }

  /** Ends the flight: whoever reads sees a broken transfer, nothing unfinished is left. */
  abort(): void {
    this.#controller.abort();
  }

  async #run(): Promise<void> {
    try {
      const won = await this.#findWinner();
      if (won === null) return;
      if (won.kind === "not-modified") this.#keepStored(won);
      else await this.#fill(won.source, won.head, this.#plan.unstorable ?? won.unstorable);
    } catch (error) {
      log.error("Fill of {key} failed: {error}", { key: this.target.key, error });
      this.progress.finish({ kind: "broken", reason: "internal error" });
      const reason = { kind: "network", detail: "internal error" } as const;
      this.#head.resolve({ kind: "failed", failures: [{ upstream: "cache-proxy", reason }] });
    } finally {
      this.#parts.track.end();
    }
  }

  /** The first good answer, its bytes looked at where that can be done before anybody gets them. */
  async #findWinner(): Promise<Won | null> {
    const { inspection, track } = this.#parts;
    const failures: AttemptFailure[] = [];
    // Most fills need not wait, and begin in this very turn.
    const learning = inspection.begin();
    if (learning !== null) await learning;
    for (;;) {
      const { won, failures: lost } = await this.#race(inspection.groups);
      failures.push(...lost);
      for (const { upstream } of lost) this.#rivals.drop(upstream);
      logFailures(this.target.key, lost);
      if (won === null) break;
      if (won.kind === "not-modified") return won;
      const reason = await inspection.refuse(won.source, won.head);
      if (reason === null) return won;
      failures.push({ upstream: won.head.upstream, reason });
      this.#rivals.drop(won.head.upstream);
    }
    inspection.gaveUp(failures);
    track.settle({ outcome: "failed", failures });
    this.progress.finish({ kind: "broken", reason: "no upstream delivered" });
    this.#head.resolve({ kind: "failed", failures });
    return null;
  }

  async #race(groups: FlightPlan["groups"]): Promise<RaceResult<Won>> {
    const { target, revalidates, byDirectives, bond } = this.#plan;
    const known = revalidates ? this.#plan.known : null;
    const contest = { ...this.#parts, target, known, byDirectives, bond };
    return await race(
      groups,
      (candidate, controller, attempt) =>
        contestant(
          candidate,
          this.#parts.clientOf(candidate.upstream.name),
          contest,
          controller,
          attempt,
        ),
      this.#controller.signal,
      this.#parts.race,
    );
  }

  #keepStored(won: Extract<Won, { kind: "not-modified" }>): void {
    const { known } = this.#plan;
    if (known === null) throw new Error("Cannot keep a stored copy: none is known");
    const entry = this.#renew(known, this.#validation(known, won));
    const { upstream, reason } = won;
    this.#parts.track.settle({ outcome: "validated", upstream, reason });
    this.progress.finish({ kind: "broken", reason: "there is no body" });
    this.#head.resolve({ kind: "validated", entry, upstream: won.upstream });
    const { key } = this.target;
    log.debug("{upstream} vouched for {key}: {reason}", { ...won, key });
  }

  /** RFC 9111 section 4.3.4: what the answer says of the copy counts from now on. */
  #validation(known: Entry, won: Extract<Won, { kind: "not-modified" }>): Validation {
    const times = { requestedAt: won.requestedAt, validatedAt: won.receivedAt };
    const { byDirectives } = this.#plan;
    if (byDirectives === null || won.reason !== "304") return times;
    // Another mirror's validators would be none of this copy.
    const isSame = won.upstream === known.upstream;
    const etag = isSame ? firstValue(won.headers, "etag") : null;
    const date = isSame ? firstValue(won.headers, "last-modified") : null;
    const lastModified = date === null ? null : parseHttpDate(date, won.receivedAt);
    const headers = updatedFields(known.headers, endToEndFields(won.headers));
    const names = varyNames(headers);
    const vary = names === "*" ? known.vary : selectingFields(names, byDirectives.request);
    return {
      ...times,
      headers,
      vary,
      ...(etag === null ? {} : { etag }),
      ...(lastModified === null ? {} : { lastModified }),
    };
  }

  /** What is vouched for is served, though the index may not take the news. */
  #renew(known: Entry, validation: Validation): Entry {
    const renewed = { ...known, ...validation };
    try {
      // When the entry has gone meanwhile, whoever opens it finds out and looks again.
      return this.#parts.storage.validated(known, validation) ?? renewed;
    } catch (error) {
      this.#parts.trouble.tellUnnoted(known.key, error);
      return renewed;
    }
  }

  async #fill(won: BodySource, head: BodyHead, unstorable: string | null): Promise<void> {
    const { byDirectives } = this.#plan;
    const { inspection, trouble } = this.#parts;
    // Whether it is what is stored already is seen from the file. With a disk in trouble it is seen
    // first whether the body can be stored: the client is told.
    const isPlain = unstorable === null && this.#plan.known === null && !trouble.lasts;
    const whole = isPlain && !inspection.isToGuard(won, head) ? won.takeWhole() : null;
    if (whole !== null) return await this.#storeWhole(whole, head);
    const groups = unstorable === null ? this.#forEverybody() : inspection.groups;
    const { wantsLead } = this.#plan;
    const buffers = unstorable === null ? new PieceBuffers(wantsLead ? 2 : 1) : null;
    const body = openBody(won, {
      ...this.#parts,
      ...this.#plan,
      groups,
      head,
      buffers,
      rivals: this.#rivals,
      // An answer to this very request belongs to the mirror that gave it.
      segments: byDirectives === null && inspection.maySplit && head.vary.length === 0
        ? this.#parts.segments
        : null,
    });
    const source = inspection.guard(body, won, head);
    const stop = (): void => source.cancel();
    this.#controller.signal.addEventListener("abort", stop, { once: true });
    if (this.#controller.signal.aborted) stop();
    try {
      if (unstorable !== null) await this.#pass(source, head, unstorable);
      else await this.#store(source, head, buffers);
    } finally {
      this.#controller.signal.removeEventListener("abort", stop);
    }
  }

  /** Whose bytes may be stored: none that were got with credentials complete a file for all. */
  #forEverybody(): FlightPlan["groups"] {
    const isForAll = ({ upstream }: Candidate): boolean => privacyOf([], upstream, false) === null;
    const { groups } = this.#parts.inspection;
    for (const candidate of groups.flat()) {
      if (!isForAll(candidate)) this.#rivals.drop(candidate.upstream.name);
    }
    return groups.map((group) => group.filter(isForAll));
  }

  async #store(source: Body, head: BodyHead, buffers: PieceBuffers | null): Promise<void> {
    const { storage, chunkBytes, track } = this.#parts;
    await using file = await this.#createFile(head);
    if (file === null) return await this.#pass(source, head, "storage");
    this.#path = file.path;
    const openStored: OpenStored = (entry) => storage.open(entry);
    // What belongs to a set is not to be had past its check.
    if (this.#plan.bond === null) {
      this.#skips = new SkipAhead(this, head, { ...this.#parts, ...this.#plan, openStored });
    }
    const { lead, written, drained } = fork(source, file, this.progress, {
      wantsLead: this.#plan.wantsLead,
      batchBytes: chunkBytes,
      buffers,
      follow: (offset) => followGrowing(this, offset, head.size, openStored),
    });
    this.#lead = lead;
    track.filling(head, this.progress);
    this.#head.resolve({ kind: "filling", head });
    const end = await written;
    const { known } = this.#plan;
    if (end.kind !== "complete") await this.#endUnstored(end, head, drained);
    else if (!await isSameAsStored(file, head, known, storage) || !this.#keepSame(known, head)) {
      await this.#publish((facts) => file.commit(facts), head);
    }
  }

  /**
   * The upstream has sent what is stored, as if it had been asked without conditions: the copy is
   * vouched for, and stays as old as it is, which tells what else is as old.
   *
   * @returns Whether it is there to be kept.
   */
  #keepSame(known: Entry | null, head: BodyHead): boolean {
    if (known === null || this.#isDisowned) return false;
    const { requestedAt, receivedAt: validatedAt, headers, etag, lastModified } = head;
    const times = { requestedAt, validatedAt };
    let entry: Entry | null = null;
    try {
      const news = { ...times, headers, etag, lastModified };
      entry = this.#parts.storage.validated(known, news);
    } catch (error) {
      this.#parts.trouble.tellUnnoted(known.key, error);
    }
    if (entry === null) return false;
    const { upstream } = head;
    this.#parts.track.settle({ outcome: "validated", upstream, reason: "same-bytes" });
    this.progress.finish({ kind: "stored", entry });
    return true;
  }

  /** A small body that is here: whoever asks gets it from memory, the file is written once. */
  async #storeWhole(body: Uint8Array<ArrayBuffer>, head: BodyHead): Promise<void> {
    const { storage, storing, track } = this.#parts;
    this.progress.advance(body.byteLength);
    track.filling(head, this.progress);
    const answer = (): void => this.#head.resolve({ kind: "filling", head, body });
    const publish = (): Promise<void> =>
      this.#publish((facts) => storage.put(this.target.key, body, facts), head);
    if (storing.count < MAX_AHEAD_OF_DISK) answer();
    storing.count++;
    try {
      await publish();
    } finally {
      storing.count--;
      answer();
    }
  }

  async #publish(commit: (facts: EntryFacts) => Promise<Entry>, head: BodyHead): Promise<void> {
    const { upstream } = head;
    const { clock, trouble, track } = this.#parts;
    // No await stands between the look and the commit: see `disown`.
    if (this.#isDisowned) {
      const reason = "it was removed meanwhile";
      track.settle({ outcome: "unstored", upstream, reason });
      return this.progress.finish({ kind: "unpublished", reason });
    }
    try {
      const publication = commit({ ...head, storedAt: clock.now() });
      this.#publication = publication.catch(() => {});
      const entry = await publication;
      trouble.settle();
      this.#logStored(head, entry.size);
      track.settle({ outcome: "stored", upstream, bytes: entry.size });
      this.progress.finish({ kind: "stored", entry });
    } catch (error) {
      trouble.tell(this.target.key, error);
      const reason = "the file could not be published";
      track.settle({ outcome: "unstored", upstream, reason });
      this.progress.finish({ kind: "unpublished", reason });
    }
  }

  async #createFile(head: BodyHead): Promise<PartialFile | null> {
    const { storage, trouble } = this.#parts;
    try {
      const file = await storage.create(this.target.key, head.size);
      // With a disk in trouble the client is told before its first byte that nothing is stored.
      if (trouble.lasts) await file.begin();
      return file;
    } catch (error) {
      trouble.tell(this.target.key, error);
      return null;
    }
  }

  async #endUnstored(
    end: Exclude<ForkEnd, { kind: "complete" }>,
    head: BodyHead,
    drained: Promise<void>,
  ): Promise<void> {
    if (end.kind === "broken") {
      const reason = end.error instanceof UpstreamError
        ? describeFailure(end.error.reason)
        : String(end.error);
      log.warn("Fill of {key} from {upstream} broke off after {bytes} bytes: {reason}", {
        key: this.target.key,
        upstream: head.upstream,
        bytes: this.progress.written,
        reason,
      });
      this.#settleBroken(end.error, head);
      this.progress.finish({ kind: "broken", reason });
      return;
    }
    this.#parts.trouble.tell(this.target.key, end.error);
    this.#rest = end.rest;
    this.#plan.onUnshareable();
    const reason = "the disk takes no more";
    this.#parts.track.settle({ outcome: "unstored", upstream: head.upstream, reason });
    this.progress.finish({ kind: "unstorable", reason });
    const giveUp = this.#parts.clock.after(this.#parts.stallTimeoutMs, () => {
      void this.claimRest()?.cancel();
    });
    await this.#endOf(drained);
    giveUp();
  }

  /** Waits for what depends on a client that reads, or else for the abort of the flight. */
  async #endOf(reading: Promise<void>): Promise<void> {
    const aborted = Promise.withResolvers<void>();
    const { signal } = this.#controller;
    signal.addEventListener("abort", () => aborted.resolve(), { once: true });
    if (!signal.aborted) await Promise.race([reading, aborted.promise]);
  }

  /** Hands the body to whoever started the flight, past the disk. */
  async #pass(source: Body, head: BodyHead, reason: string): Promise<void> {
    const ended = Promise.withResolvers<void>();
    const { track } = this.#parts;
    const { upstream } = head;
    track.passing(head);
    this.#lead = passingStream(source, (failure) => {
      if (failure !== undefined) this.#settleBroken(failure, head);
      ended.resolve();
    }, (bytes) => track.passed(bytes));
    this.#plan.onUnshareable();
    this.progress.finish({ kind: "broken", reason: "the body is not stored" });
    this.#head.resolve({ kind: "passing", head, reason });
    await this.#endOf(ended.promise);
    track.settle({ outcome: "passed", upstream, reason });
  }

  #settleBroken(error: unknown, { upstream }: BodyHead): void {
    const failures = error instanceof UpstreamError ? [{ upstream, reason: error.reason }] : [];
    const reason = error instanceof UpstreamError ? describeFailure(error.reason) : String(error);
    this.#parts.track.settle({ outcome: "broken", upstream, reason, failures });
  }

  #logStored(head: BodyHead, bytes: number): void {
    log.info("Stored {key} from {upstream}: {bytes} bytes in {ms} ms", {
      key: this.target.key,
      upstream: head.upstream,
      bytes,
      ms: Math.round(this.#parts.clock.now() - this.#startedAt),
    });
  }
}
