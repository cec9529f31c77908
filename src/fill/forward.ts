import { type Candidate, candidateGroups } from "../decide/candidates.ts";
import { describeFailure } from "../decide/failure.ts";
import { firstValue, passedResponseFields } from "../decide/fields.ts";
import { invalidatedKeys } from "../decide/invalidation.ts";
import { UpstreamError } from "../errors.ts";
import type { Clock, HeaderList, Target, Upstream } from "../types.ts";
import { BodySource } from "./body_source.ts";
import type { ClientPool } from "./client_pool.ts";
import type { AnswerBody } from "./answer_body.ts";
import type { AttemptTrack } from "./attempt_track.ts";
import type { ForwardResult } from "./fill.ts";
import type { FillTrack } from "./fill_track.ts";
import { passingStream } from "./passing_stream.ts";

/** No candidate takes the method. */
type MethodNotAllowed = Extract<ForwardResult, { kind: "method-not-allowed" }>;

/** Something that is asked without a flight. */
export interface Question extends Disposable {
  /** Aborted when everything ends. */
  readonly signal: AbortSignal;
}

/** A request as it goes out. */
export interface Outgoing {
  readonly target: Target;
  readonly method: string;
  readonly headers: HeaderList;
  /** Bytes are sent with their length, a stream as it comes in. */
  readonly body: ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer> | null;
  /** Ends all of it. */
  readonly signal: AbortSignal;
}

/** What forwarding works with. */
export interface ForwardParts {
  readonly stallTimeoutMs: number;
  readonly clock: Clock;
  /** Disposed of when the answer's body has ended. */
  readonly question: Question;
  /** Ended together with the question. */
  readonly track: FillTrack;
}

/** The first candidate that takes a method, best priority first. */
export function candidateFor(
  { target, method }: Pick<Outgoing, "target" | "method">,
  upstreams: readonly Upstream[],
): { readonly kind: "candidate"; readonly candidate: Candidate } | MethodNotAllowed {
  const candidates = candidateGroups(target, upstreams).flat();
  const candidate = candidates.find(({ upstream }) => upstream.allowMethods.includes(method));
  if (candidate !== undefined) return { kind: "candidate", candidate };
  const allowed = new Set(candidates.flatMap(({ upstream }) => upstream.allowMethods));
  return { kind: "method-not-allowed", allowed: [...allowed] };
}

/**
 * Passes one request to one candidate. There is no second try: whether the first one had an effect,
 * nobody knows (RFC 9110 section 9.2.2).
 */
export async function forward(
  { upstream, url }: Candidate,
  request: Outgoing,
  clients: ClientPool,
  { stallTimeoutMs, clock, question, track }: ForwardParts,
): Promise<ForwardResult> {
  // What a mirror says to such a request says nothing of how good it is: it is watched, not judged.
  const attempt = track.attempt(upstream.name, "forward", url);
  const controller = new AbortController();
  const stop = (): void => controller.abort(new UpstreamError({ kind: "aborted" }));
  const signals = [question.signal, request.signal];
  for (const signal of signals) signal.addEventListener("abort", stop, { once: true });
  if (signals.some(({ aborted }) => aborted)) stop();
  const end = (failure: UpstreamError | null): void => {
    for (const signal of signals) signal.removeEventListener("abort", stop);
    question[Symbol.dispose]();
    endTracks(attempt, track, failure);
  };
  try {
    const { method, headers, body, target } = request;
    const answer = await clients.of(upstream.name).send({ method, url, headers, body }, controller);
    const { status } = answer;
    attempt.head(status);
    attempt.won();
    const facts = { status, headers: answer.headers, requestUrl: url, key: target.key, upstream };
    return {
      kind: "answer",
      upstream: upstream.name,
      status,
      headers: passedResponseFields(answer.headers),
      body: bodyOf(answer.body, declaredLength(firstValue(answer.headers, "content-length"))),
      invalidated: invalidatedKeys(facts),
    };
  } catch (error) {
    end(upstreamErrorOf(error));
    if (!(error instanceof UpstreamError)) throw error;
    if (request.signal.aborted) return { kind: "client-left" };
    return { kind: "failed", failures: [{ upstream: upstream.name, reason: error.reason }] };
  }

  function bodyOf(
    body: AnswerBody | null,
    declared: number | null,
  ): ReadableStream<Uint8Array> | null {
    if (body !== null) {
      const source = new BodySource(body, { declared, stallTimeoutMs, clock, controller });
      return passingStream(
        source,
        (failure) => end(failure === undefined ? null : upstreamErrorOf(failure)),
        (bytes) => {
          attempt.received(bytes);
          track.passed(bytes);
        },
      );
    }
    end(null);
    return null;
  }
}

function endTracks(attempt: AttemptTrack, track: FillTrack, failure: UpstreamError | null): void {
  const { upstream, hasWon } = attempt;
  const reason = failure?.reason ?? null;
  attempt.end(reason === null ? "done" : "failed", reason);
  if (reason === null) track.settle({ outcome: "passed", upstream });
  else {
    const outcome = hasWon ? "broken" : "failed";
    track.settle({ outcome, reason: describeFailure(reason), failures: [{ upstream, reason }] });
  }
  track.end();
}

/** A fault of ours must not look like the mirror's. */
function upstreamErrorOf(error: unknown): UpstreamError {
  if (error instanceof UpstreamError) return error;
  return new UpstreamError({ kind: "network", detail: `internal error: ${error}` });
}

function declaredLength(value: string | null): number | null {
  return value !== null && /^\d{1,15}$/.test(value) ? Number(value) : null;
}
