import type {
  BodyHead,
  ByDirectives,
  Checker,
  Entry,
  FailureReason,
  HeaderList,
  Instant,
} from "../types.ts";
import { endToEndFields, firstValue, storedFields } from "./fields.ts";
import { parseHttpDate } from "./http_date.ts";
import { storability } from "./storability.ts";
import { selectedFields, selectingFields, varyNames } from "./vary.ts";

/** The facts of an upstream's answer to a GET, before its body has been read. */
export interface AnswerFacts {
  readonly upstream: string;
  readonly status: number;
  readonly headers: HeaderList;
  /** Whether a connection that just closes looks like an error: always so under TLS. */
  readonly secure: boolean;
  /** When the request was sent. */
  readonly requestedAt: Instant;
}

/** What we asked for. */
export interface QuestionFacts {
  /** The canonical path of the client's request. */
  readonly path: string;
  readonly checkers: readonly Checker[];
  /** Whether the request carried `If-None-Match` or `If-Modified-Since`. */
  readonly conditional: boolean;
  /** The stored copy; null when there is none. */
  readonly stored: Pick<Entry, "status" | "lastModified" | "upstream"> | null;
  /** null: the config decides, and what is not a mirror's file is not stored. */
  readonly byDirectives: ByDirectives | null;
  /** As in `Target`. */
  readonly accept?: string | undefined;
}

/** What an answer is good for. */
export type Admission =
  | { readonly kind: "store"; readonly head: BodyHead }
  | {
    readonly kind: "pass";
    readonly head: BodyHead;
    /** `status`, `end-unknown`, `varies-on-everything`, or what RFC 9111 section 3 says. */
    readonly reason: string;
  }
  | { readonly kind: "not-modified"; readonly reason: "304" | "older-than-stored" }
  | { readonly kind: "refuse"; readonly reason: FailureReason };

/** RFC 9110 sections 15.3.5 and 15.3.6: such an answer ends with its head. */
export const BODYLESS_STATUSES: ReadonlySet<number> = new Set([204, 205]);

/** Names of files that are never an HTML page, whatever a mirror in trouble says. */
const PACKAGE_SUFFIX =
  /\.(?:deb|udeb|ddeb|rpm|drpm|apk|iso|img|qcow2|whl|egg|jar|war|pom|crate|gem|nupkg|zip|7z|tar|tgz|txz|tbz2?|gz|xz|zst|bz2|lz4|lzma|zck|sig|asc|gpg|exe|msi|dmg)$/i;

/** Judges an answer by its head. `now` is needed for dates with two-digit years. */
export function admit(answer: AnswerFacts, question: QuestionFacts, now: Instant): Admission {
  if (answer.status === 304 && question.conditional) return { kind: "not-modified", reason: "304" };
  const refusal = refusalOf(answer, question);
  if (refusal !== null) return { kind: "refuse", reason: refusal };
  const head = bodyHead(answer, question, now);
  if (isOlderThanStored(head, question, now)) {
    return { kind: "not-modified", reason: "older-than-stored" };
  }
  if (question.byDirectives !== null) {
    return admitByDirectives(answer, head, question, question.byDirectives, now);
  }
  if (answer.status !== 200) return { kind: "pass", head, reason: "status" };
  if (variesOnEverything(answer.headers)) {
    return { kind: "pass", head, reason: "varies-on-everything" };
  }
  if (head.size === null && !endIsMarked(answer)) {
    return { kind: "pass", head, reason: "end-unknown" };
  }
  return { kind: "store", head };
}

function admitByDirectives(
  answer: AnswerFacts,
  head: BodyHead,
  { stored }: QuestionFacts,
  { request, targeted }: ByDirectives,
  now: Instant,
): Admission {
  const { status, headers } = answer;
  const exchange = { method: "GET", requestHeaders: request, status, headers, targeted, now };
  const may = storability(exchange);
  if (may.kind === "pass") return { kind: "pass", head, reason: may.reason };
  // What was good once stands in when upstreams are in trouble; their errors do not take its place.
  if (stored !== null && stored.status < 400 && status >= 400) {
    return { kind: "pass", head, reason: "error-beside-stored" };
  }
  if (head.size === null && !endIsMarked(answer)) {
    return { kind: "pass", head, reason: "end-unknown" };
  }
  return { kind: "store", head };
}

/**
 * Mirrors lag: a stored copy never goes back in time. One that claims to be from the future is no
 * measure: by a mirror's mistake it would stay for ever. An upstream that decides by its directives
 * may take back what it said itself.
 */
function isOlderThanStored(
  { lastModified, upstream }: BodyHead,
  { stored, byDirectives }: QuestionFacts,
  now: Instant,
): boolean {
  if (stored === null || stored.lastModified === null || lastModified === null) return false;
  if (byDirectives !== null && upstream === stored.upstream) return false;
  return stored.lastModified <= now && lastModified < stored.lastModified;
}

/** Which of an upstream's own conditions the answer does not meet; null when it meets them all. */
export function failedCheck(
  answer: Pick<AnswerFacts, "status" | "headers">,
  checkers: readonly Checker[],
): FailureReason | null {
  for (const checker of checkers) {
    if (checker.statusCodes !== "any" && !checker.statusCodes.includes(answer.status)) {
      return { kind: "status", status: answer.status };
    }
    for (const { name, match, notMatch = null } of checker.headers) {
      const value = firstValue(answer.headers, name);
      if (value === null && match === null && notMatch !== null) continue;
      if (value === null) return { kind: "checker", detail: `header ${name} is missing` };
      if (match !== null && !match.test(value)) {
        return { kind: "checker", detail: `header ${name} does not match ${match.source}` };
      }
      if (notMatch?.test(value)) {
        return { kind: "checker", detail: `header ${name} matches ${notMatch.source}` };
      }
    }
  }
  return null;
}

/** Why the upstream's own checkers, or we, do not take the answer; null when we do. */
function refusalOf(answer: AnswerFacts, question: QuestionFacts): FailureReason | null {
  const failed = failedCheck(answer, question.checkers);
  if (failed !== null) return failed;
  const { status } = answer;
  // A partial answer was not asked for, nor another protocol; whoever sends one is confused.
  if (status === 206 || status === 304 || status < 200) return { kind: "status", status };
  if (status !== 200) return null;
  const type = firstValue(answer.headers, "content-type") ?? "";
  if (/^\s*(?:text\/html|application\/xhtml\+xml)\b/i.test(type)) {
    if (PACKAGE_SUFFIX.test(question.path)) return { kind: "html" };
  }
  return null;
}

/** RFC 9110 section 12.5.5: a stored answer with `*` in its list suits no request. */
function variesOnEverything(headers: HeaderList): boolean {
  return headers.some(([name, value]) =>
    name === "vary" && value.split(",").some((member) => member.trim() === "*")
  );
}

function bodyHead(
  answer: AnswerFacts,
  { byDirectives: by, accept }: QuestionFacts,
  now: Instant,
): BodyHead {
  const isFile = by === null && answer.status === 200;
  const lastModified = firstValue(answer.headers, "last-modified");
  return {
    status: answer.status,
    size: BODYLESS_STATUSES.has(answer.status) ? 0 : declaredSize(answer.headers),
    etag: firstValue(answer.headers, "etag"),
    lastModified: lastModified === null ? null : parseHttpDate(lastModified, now),
    headers: isFile ? storedFields(answer.headers) : endToEndFields(answer.headers),
    upstream: answer.upstream,
    requestedAt: answer.requestedAt,
    receivedAt: now,
    vary: by === null ? selectedFields(accept) : varyOf(answer.headers, by, accept),
  };
}

/** The form that was asked for is another one than those that were not, whether it says so or not. */
function varyOf(headers: HeaderList, by: ByDirectives, accept: string | undefined): HeaderList {
  const names = varyNames(headers);
  if (names === "*") return [];
  const all = accept === undefined ? names : [...new Set([...names, "accept"])].sort();
  return selectingFields(all, by.request);
}

/** RFC 9110 section 8.6: the same length several times over counts once. */
function declaredSize(headers: HeaderList): number | null {
  const value = firstValue(headers, "content-length") ?? "";
  const length = /^(\d{1,15})(?:\s*,\s*\1)*$/.exec(value)?.[1];
  return length === undefined ? null : Number(length);
}

/**
 * Whether the end of a body without a length can be told from a broken connection. Under plain
 * HTTP/1 only the chunked coding marks it (RFC 9112 section 8); under TLS a cut connection lacks
 * its closing alert and reads as an error.
 */
function endIsMarked(answer: AnswerFacts): boolean {
  const coding = firstValue(answer.headers, "transfer-encoding");
  return answer.secure || (coding !== null && /\bchunked\s*$/i.test(coding));
}
