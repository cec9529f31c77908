import { LRUCache } from "lru-cache";
import type { Cache } from "../cache/cache.ts";
import type { Outcome } from "../cache/outcome.ts";
import { planResponse } from "../decide/plan_response.ts";
import type { LocalStorage } from "../storage/local_storage.ts";
import type { Clock, Instant, Key } from "../types.ts";
import { isAccessLogged, logAccess } from "./access_log.ts";
import type { Arrivals } from "./arrivals.ts";
import { AnswerHeaders } from "./answer_headers.ts";
import type { ClientRequest } from "./client_request.ts";
import type { Exchange } from "./exchange.ts";
import { dateField, responseHead } from "./http1/response_head.ts";
import type { Answer } from "./representation.ts";
import { notModified } from "./representation.ts";
import type { ServerCounters } from "./server_counters.ts";
import { SMALL_BODY_BYTES, storedHeaders } from "./serve_stored.ts";

/** A body up to so many bytes is copied behind its head once a second, to go out in one write. */
const JOINED_BYTES = 64 * 1024;

/** What an answer costs beside its body: fields, names, the objects around them. */
const OVERHEAD_BYTES = 2 * 1024;

/** With one of these a request is for the slow way, which knows what they mean. */
const SLOW_FIELDS: readonly string[] = [
  "range",
  "via",
  "if-match",
  "if-unmodified-since",
];

/** What counts only where `cache.client-directives` is `honour`. */
const DIRECTIVE_FIELDS: readonly string[] = ["cache-control", "pragma"];

/** A stored copy that is fresh. */
export type Hit = Extract<Outcome, { kind: "stored" }>;

/** What is kept of one target. */
interface QuickAnswer {
  readonly hit: Hit;
  /** Whether its entry has changed without a word to `forget`. */
  readonly isOutdated: () => boolean;
  /** Of the newest `whole`, so that the bytes are kept once. */
  body: Uint8Array;
  readonly keptAt: Instant;
  /** null: for ever. */
  readonly freshUntil: Instant | null;
  /** The second for which the heads were made: ages and dates count in seconds. */
  second: number;
  /** What goes out, in as many writes. */
  whole: readonly Uint8Array[];
  head: readonly Uint8Array[];
  /** Made when somebody asks; null: not in this second. */
  notModified: readonly Uint8Array[] | null;
  /** The conditions that were asked last in this second, and what came of them. */
  asked: Conditions | null;
}

/** What a client says of the copy that it has, and whether ours is another one. */
interface Conditions {
  readonly ifNoneMatch: string | null;
  readonly ifModifiedSince: string | null;
  readonly isModified: boolean;
}

/** What quick answers take. */
export interface QuickParts {
  readonly cache: Pick<Cache, "used" | "isForAll">;
  readonly storage: Pick<LocalStorage, "isIntact">;
  readonly clock: Clock;
  readonly counters: ServerCounters;
  /** Bytes of bodies and what belongs to them; 0: nothing is kept. */
  readonly maxBytes: number;
  readonly honoursDirectives: boolean;
  /** A field, lower case, with which the front server does the sending; null: none. */
  readonly accelHeader: string | null;
  readonly arrivals: Pick<Arrivals, "clientOf">;
}

/**
 * Answers to requests for small files that are asked for again and again, from memory and ready to
 * be sent. What is kept goes when its entry changes in any way; that its file is still what it was
 * is looked at once a second.
 */
export class QuickAnswers {
  readonly #parts: QuickParts;
  readonly #slowFields: readonly string[];
  readonly #answers: LRUCache<string, QuickAnswer> | null;
  /** Targets as they were sent, by what they ask for. */
  readonly #targets = new Map<Key, Set<string>>();

  constructor(parts: QuickParts) {
    const { maxBytes, honoursDirectives, accelHeader } = parts;
    this.#parts = parts;
    this.#slowFields = slowFields({ honoursDirectives, accelHeader });
    this.#answers = maxBytes === 0 ? null : new LRUCache<string, QuickAnswer>({
      maxSize: maxBytes,
      sizeCalculation: ({ body }) => body.byteLength + OVERHEAD_BYTES,
      dispose: ({ hit }, target) => this.#forgetTarget(hit.entry.key, target),
    });
  }

  /** Bytes that are taken now. */
  get bytes(): number {
    return this.#answers?.calculatedSize ?? 0;
  }

  /** The bytes of an answer, head included; null when this request takes the slow way. */
  find(request: ClientRequest & { readonly target: string }): readonly Uint8Array[] | null {
    const { target, method, headers } = request;
    const answer = this.#answers?.get(target);
    if (answer === undefined || (method !== "GET" && method !== "HEAD")) return null;
    const now = this.#parts.clock.now();
    const { keptAt, freshUntil } = answer;
    // Before: the clock was set back, and nobody knows how old the copy is.
    if (now < keptAt || (freshUntil !== null && now >= freshUntil)) return null;
    for (const name of this.#slowFields) if (headers.get(name) !== null) return null;
    if (answer.isOutdated()) {
      this.#answers?.delete(target);
      return null;
    }
    if (Math.floor(now / 1000) !== answer.second && !this.#renew(answer, now)) {
      this.#answers?.delete(target);
      return null;
    }
    const { hit } = answer;
    const isModified = this.#isModified(request, answer, now);
    this.#parts.cache.used(hit.entry);
    const status = isModified ? 200 : 304;
    const bytes = isModified && method === "GET" ? answer.body.byteLength : 0;
    this.#parts.counters.answered("HIT", status).bytes += bytes;
    if (isAccessLogged()) this.#log(request, hit, status, bytes);
    if (!isModified) return answer.notModified ??= this.#notModified(answer, now);
    return method === "GET" ? answer.whole : answer.head;
  }

  /** Keeps what was just answered, where it is worth it. */
  keep(exchange: Exchange, hit: Hit, { body }: Pick<Answer, "body">, now: Instant): void {
    if (this.#answers === null || !(body instanceof Uint8Array)) return;
    if (!isWorthKeeping(exchange, hit, body, this.#slowFields)) return;
    if (!this.#parts.cache.isForAll(exchange.target)) return;
    this.put(exchange.facts.path, hit, body, now, () => false);
  }

  /**
   * Keeps what is worth it, where it fits.
   *
   * @param path The target as it was sent.
   * @param isOutdated Asked before each use.
   */
  put(path: string, hit: Hit, body: Uint8Array, now: Instant, isOutdated: () => boolean): void {
    const { entry, freshForMs } = hit;
    if (this.#answers === null) return;
    const answer: QuickAnswer = {
      hit,
      isOutdated,
      body,
      keptAt: now,
      freshUntil: freshForMs === null ? null : now + freshForMs,
      second: -1,
      whole: [],
      head: [],
      notModified: null,
      asked: null,
    };
    this.#answers.set(path, answer);
    // What does not fit was not taken.
    if (this.#answers.peek(path) !== answer) return;
    const targets = this.#targets.get(entry.key);
    if (targets === undefined) this.#targets.set(entry.key, new Set([path]));
    else targets.add(path);
  }

  /** An entry has changed or gone; null: any may have. */
  forget(key: Key | null): void {
    if (key === null) return void this.#answers?.clear();
    for (const target of this.#targets.get(key) ?? []) this.#answers?.delete(target);
  }

  #forgetTarget(key: Key, target: string): void {
    const targets = this.#targets.get(key);
    targets?.delete(target);
    if (targets?.size === 0) this.#targets.delete(key);
  }

  /** Makes the heads for this second; false when the file is no longer what it was. */
  #renew(answer: QuickAnswer, now: Instant): boolean {
    const { hit: { entry }, body } = answer;
    if (!this.#parts.storage.isIntact(entry)) return false;
    const fields = this.#fields(answer, now);
    const head = responseHead(200, [...fields, ["content-length", String(body.byteLength)]]);
    answer.head = [head];
    answer.notModified = null;
    answer.whole = [head, body];
    if (body.byteLength <= JOINED_BYTES) {
      // A new one each time: what was made a second ago may still be on its way to a slow client.
      const whole = new Uint8Array(head.byteLength + body.byteLength);
      whole.set(head);
      whole.set(body, head.byteLength);
      answer.whole = [whole];
      answer.body = whole.subarray(head.byteLength);
    }
    answer.second = Math.floor(now / 1000);
    answer.asked = null;
    return true;
  }

  #notModified(answer: QuickAnswer, now: Instant): readonly Uint8Array[] {
    return [responseHead(304, notModified(new AnswerHeaders(this.#fields(answer, now))).headers)];
  }

  #fields({ hit, freshUntil }: QuickAnswer, now: Instant): [string, string][] {
    const freshForMs = freshUntil === null ? null : freshUntil - now;
    const fields = storedHeaders({ ...hit, freshForMs }, now);
    if (!fields.some(([name]) => name === "date")) fields.push(["date", dateField(now)]);
    return fields;
  }

  /** Clients that have the same copy ask the same: within a second they are told the same. */
  #isModified({ headers }: ClientRequest, answer: QuickAnswer, now: Instant): boolean {
    const ifNoneMatch = headers.get("if-none-match");
    const ifModifiedSince = headers.get("if-modified-since");
    if (ifNoneMatch === null && ifModifiedSince === null) return true;
    const { asked, hit: { entry } } = answer;
    if (asked?.ifNoneMatch === ifNoneMatch && asked.ifModifiedSince === ifModifiedSince) {
      return asked.isModified;
    }
    const selecting = {
      method: "GET",
      range: null,
      ifRange: null,
      ifMatch: null,
      ifUnmodifiedSince: null,
      ifNoneMatch,
      ifModifiedSince,
    } as const;
    const facts = { ...entry, available: entry.size };
    const isModified = planResponse(selecting, facts, now).kind !== "not-modified";
    answer.asked = { ifNoneMatch, ifModifiedSince, isModified };
    return isModified;
  }

  #log(request: ClientRequest & { target: string }, hit: Hit, status: number, bytes: number): void {
    const now = performance.now();
    const facts = {
      method: request.method,
      path: request.target,
      client: this.#parts.arrivals.clientOf(request),
      startedAt: now,
      cache: hit.result,
      upstream: hit.entry.upstream,
      reason: hit.reason,
    };
    logAccess(facts, status, bytes, null, now);
  }
}

/** The fields, lower case, with which a request takes the slow way. */
export function slowFields(
  { honoursDirectives, accelHeader }: Pick<QuickParts, "honoursDirectives" | "accelHeader">,
): readonly string[] {
  return [
    ...SLOW_FIELDS,
    ...honoursDirectives ? DIRECTIVE_FIELDS : [],
    ...accelHeader === null ? [] : [accelHeader],
  ];
}

/** Whether what was just answered is what everybody else gets who asks in the same words. */
export function isWorthKeeping(
  { target, request: { headers } }: Pick<Exchange, "target" | "request">,
  { entry, result }: Hit,
  body: Uint8Array,
  slow: readonly string[],
): boolean {
  // How long the copy is fresh for this client may not be how long it is for others.
  if (slow.some((name) => headers.get(name) !== null)) return false;
  // What has another key was chosen for what this request says of itself.
  if (entry.key !== target.key) return false;
  if (entry.status !== 200 || entry.vary.length > 0 || body.byteLength !== entry.size) return false;
  return result === "HIT" && body.byteLength <= SMALL_BODY_BYTES;
}
