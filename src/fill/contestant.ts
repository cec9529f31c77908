import { admit } from "../decide/admission.ts";
import { admitBonded, type Bond } from "../decide/bond.ts";
import type { Candidate } from "../decide/candidates.ts";
import { strongEtag } from "../decide/continuation.ts";
import { firstValue } from "../decide/fields.ts";
import { questionFields } from "../decide/vary.ts";
import { formatHttpDate } from "../decide/http_date.ts";
import { privacyOf } from "../decide/private_answer.ts";
import { isSameManifest, isTagUrl } from "../decide/registry/manifests.ts";
import { UpstreamError } from "../errors.ts";
import type {
  BodyHead,
  ByDirectives,
  Clock,
  Entry,
  HeaderList,
  Instant,
  Target,
  Upstream,
} from "../types.ts";
import type { Attempt } from "./attempt.ts";
import { BodySource } from "./body_source.ts";
import type { UpstreamClient } from "./upstream_client.ts";

/**
 * A body that is declared to be no longer than this wins with its last byte rather than with its
 * first one, so that a small one that breaks off loses the race instead of failing the client…
 */
const SMALL_BODY_BYTES = 64 * 1024;

/** … but its first byte is never held back for longer than this. */
const SMALL_BODY_HOLD_MS = 20;

/** An answer that is good enough to win. */
export type Won =
  | {
    readonly kind: "not-modified";
    readonly reason: "304" | "older-than-stored";
    readonly upstream: string;
    readonly headers: HeaderList;
    readonly requestedAt: Instant;
    readonly receivedAt: Instant;
  }
  | {
    readonly kind: "body";
    readonly head: BodyHead;
    readonly source: BodySource;
    /** Why the body cannot be stored; null: it can. */
    readonly unstorable: string | null;
  };

/** What all contestants of a race have in common. */
export interface Contest {
  readonly target: Target;
  /** The stored copy to revalidate; null: there is none, or none that can be read. */
  readonly known: Entry | null;
  readonly byDirectives: ByDirectives | null;
  readonly bond?: Bond | null;
  /** Bytes that a contestant must deliver to win; 0: the head and a first byte are enough. */
  readonly firstChunkBytes: number;
  readonly stallTimeoutMs: number;
  readonly clock: Clock;
}

/**
 * Asks one candidate and judges its answer.
 *
 * @throws {UpstreamError} When the candidate is no good; its connection is then gone.
 */
export async function contestant(
  candidate: Candidate,
  client: UpstreamClient,
  contest: Contest,
  controller: AbortController,
  attempt: Attempt,
): Promise<Won> {
  const { upstream, url } = candidate;
  const { known, byDirectives, bond = null } = contest;
  // An older file has not been modified since either: to move a set takes the whole anchor.
  const conditions = bond?.from.kind === "except" ? [] : validators(known, upstream.name);
  const requestedAt = contest.clock.now();
  const forwarded = questionFields(contest.target, byDirectives);
  if (known !== null && upstream.protocol === "oci" && isTagUrl(url)) {
    const head = await client.ask({ method: "HEAD", url, headers: forwarded }, controller);
    if (head.status === 200 && isSameManifest(head.headers, known.headers)) {
      attempt.head(head.status);
      controller.abort(new UpstreamError({ kind: "aborted" }));
      const times = { requestedAt, receivedAt: contest.clock.now() };
      const { headers } = head;
      return { kind: "not-modified", reason: "304", upstream: upstream.name, headers, ...times };
    }
  }
  const headers = [...forwarded, ...conditions];
  const answer = await client.ask({ method: "GET", url, headers }, controller);
  attempt.head(answer.status);
  const receivedAt = contest.clock.now();
  const admission = admitBonded(
    admit({ ...answer, upstream: upstream.name, requestedAt }, {
      path: contest.target.path,
      checkers: upstream.checkers,
      conditional: conditions.length > 0,
      stored: known,
      byDirectives,
      accept: contest.target.accept,
    }, receivedAt),
    bond,
  );
  if (
    answer.status === 304 && known !== null && isOfAnotherVersion(answer.headers, upstream, known)
  ) {
    void answer.body?.cancel().catch(() => {});
    // Without conditions: what it has instead is wanted whole.
    return await contestant(candidate, client, { ...contest, known: null }, controller, attempt);
  }
  if (admission.kind === "refuse" || admission.kind === "not-modified") {
    const { reason } = admission;
    // The abort alone does not always reach a body (see `BodySource`).
    void answer.body?.cancel().catch(() => {});
    controller.abort(new UpstreamError({ kind: "aborted" }));
    if (typeof reason !== "string") throw new UpstreamError(reason);
    const facts = { upstream: upstream.name, headers: answer.headers, requestedAt, receivedAt };
    return { kind: "not-modified", reason, ...facts };
  }
  const source = new BodySource(answer.body, {
    declared: admission.head.size,
    stallTimeoutMs: contest.stallTimeoutMs,
    clock: contest.clock,
    controller,
    observer: attempt,
  });
  await earnVictory(source, admission.head, contest);
  const unstorable = privacyOf(answer.headers, upstream, byDirectives !== null) ??
    (admission.kind === "pass" ? admission.reason : null);
  return { kind: "body", head: admission.head, source, unstorable };
}

/** Resolves when the answer has delivered what it takes to win. */
async function earnVictory(source: BodySource, head: BodyHead, contest: Contest): Promise<void> {
  if (contest.firstChunkBytes > 0) return await source.readAhead(contest.firstChunkBytes);
  if (head.size === 0) return;
  if (head.size !== null && head.size <= SMALL_BODY_BYTES && source.readAtOnce()) return;
  // A head alone promises what a mirror in trouble does not keep, and no client can use it yet.
  await source.readAhead(1);
  if (head.size !== null && head.size <= SMALL_BODY_BYTES && source.readAtOnce()) return;
  if (head.size === null || head.size > SMALL_BODY_BYTES) return;
  const held = Promise.withResolvers<void>();
  const cancelHold = contest.clock.after(SMALL_BODY_HOLD_MS, held.resolve);
  // To its end, which comes with its last byte or right behind it.
  const whole = source.readAhead(head.size + 1);
  try {
    await Promise.race([whole, held.promise]);
  } finally {
    cancelHold();
    // After the hold a failure is the reader's to see, not ours.
    whole.catch(() => {});
  }
}

/** RFC 9111 section 4.3.4: a 304 with another strong ETag says nothing of our copy. */
function isOfAnotherVersion(headers: HeaderList, upstream: Upstream, known: Entry): boolean {
  if (upstream.name !== known.upstream) return false;
  const [theirs, ours] = [strongEtag(firstValue(headers, "etag")), strongEtag(known.etag)];
  return theirs !== null && ours !== null && theirs !== ours;
}

/**
 * A validator belongs to the mirror that gave it: its ETag goes to that mirror alone, the date to
 * all.
 */
function validators(known: Entry | null, upstream: string): HeaderList {
  const headers: [string, string][] = [];
  if (known === null) return headers;
  if (known.etag !== null && known.upstream === upstream) {
    headers.push(["if-none-match", known.etag]);
  }
  if (known.lastModified !== null) {
    headers.push(["if-modified-since", formatHttpDate(known.lastModified)]);
  }
  return headers;
}
