import { admit } from "../../decide/admission.ts";
import type { Candidate } from "../../decide/candidates.ts";
import { describeFailure } from "../../decide/failure.ts";
import { UpstreamError } from "../../errors.ts";
import { type Answer, type ClientOptions, UpstreamClient } from "../../fill/upstream_client.ts";

/** What is read of a mirror at most. */
const PROBE_BYTES = 1024 * 1024;

/** How long it is read at most, in milliseconds. */
const READ_MS = 5_000;

/** Less says nothing about a rate. */
const MIN_RATE_BYTES = 16 * 1024;

/** What a mirror has answered. */
export interface Probed {
  /** Whether the proxy would take the answer; without a path: whether there was one. */
  readonly good: boolean;
  /** null: there was no answer. */
  readonly status: number | null;
  /** Milliseconds until the head was there, a new connection included; null: there was none. */
  readonly headMs: number | null;
  /** Bytes read. */
  readonly bytes: number;
  /** null: too few bytes to tell. */
  readonly bytesPerSecond: number | null;
  /** What is wrong; null: nothing. */
  readonly reason: string | null;
}

/** Asks one mirror, as the proxy would, for the beginning of a file. */
export class MirrorProbe implements Disposable {
  readonly candidate: Candidate;
  readonly #client: UpstreamClient;
  readonly #headTimeoutMs: number;
  /** What the answer is judged for; null: any answer will do. */
  readonly #path: string | null;

  constructor(candidate: Candidate, options: ClientOptions, path: string | null) {
    this.candidate = candidate;
    this.#client = new UpstreamClient(candidate.upstream, options);
    this.#headTimeoutMs = options.headTimeoutMs;
    this.#path = path;
  }

  /** Whether it answers, and after what time. Never rejects. */
  async head(): Promise<Probed> {
    const controller = new AbortController();
    const begin = performance.now();
    try {
      const answer = await this.#ask(0, controller);
      const headMs = Math.round(performance.now() - begin);
      await answer.body?.cancel();
      const reason = this.#problemOf(answer);
      const good = reason === null;
      return { good, status: answer.status, headMs, bytes: 0, bytesPerSecond: null, reason };
    } catch (error) {
      const reason = failureOf(error);
      return { good: false, status: null, headMs: null, bytes: 0, bytesPerSecond: null, reason };
    }
  }

  /** At what rate it delivers, on the connection that is there. Never rejects. */
  async rate(): Promise<Pick<Probed, "bytes" | "bytesPerSecond">> {
    const controller = new AbortController();
    let bytes = 0;
    let begin = performance.now();
    const enough = setTimeout(() => controller.abort(), this.#headTimeoutMs + READ_MS);
    try {
      const { body } = await this.#ask(PROBE_BYTES - 1, controller);
      begin = performance.now();
      while (bytes < PROBE_BYTES && performance.now() - begin <= READ_MS) {
        const chunk = await body?.read() ?? null;
        if (chunk === null) break;
        bytes += chunk.byteLength;
      }
      await body?.cancel();
    } catch {
      // What came until then tells enough.
    } finally {
      clearTimeout(enough);
    }
    const seconds = (performance.now() - begin) / 1000;
    const bytesPerSecond = bytes < MIN_RATE_BYTES ? null : Math.round(bytes / seconds);
    return { bytes, bytesPerSecond };
  }

  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]();
  }

  async #ask(last: number, controller: AbortController): Promise<Answer> {
    const { url } = this.candidate;
    const headers = [["range", `bytes=0-${last}`]] as const;
    return await this.#client.ask({ method: "GET", url, headers }, controller);
  }

  /** null: nothing is wrong. */
  #problemOf({ status, headers, secure }: Answer): string | null {
    if (this.#path === null) return status < 500 ? null : `answered ${status}`;
    const { name: upstream, checkers } = this.candidate.upstream;
    const now = Date.now();
    // A part of what would come with 200. RFC 9110 section 15.5.17: an empty file has no first byte.
    const isPart = status === 206 || (status === 416 && isEmpty(headers));
    const facts = { upstream, headers, secure, requestedAt: now, status: isPart ? 200 : status };
    const question = { path: this.#path, checkers, conditional: false, stored: null };
    const admission = admit(facts, { ...question, byDirectives: null }, now);
    return admission.kind === "refuse" ? describeFailure(admission.reason) : null;
  }
}

function isEmpty(headers: Answer["headers"]): boolean {
  return headers.some(([name, value]) => name === "content-range" && value === "bytes */0");
}

function failureOf(error: unknown): string {
  if (error instanceof UpstreamError) return describeFailure(error.reason);
  return error instanceof Error ? error.message : String(error);
}
