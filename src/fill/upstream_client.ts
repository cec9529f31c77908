import { isRedirect, judgeRedirect } from "../decide/redirect.ts";
import { firstValue } from "../decide/fields.ts";
import { UpstreamError } from "../errors.ts";
import type { Clock, HeaderList, Upstream } from "../types.ts";
import type { AnswerBody } from "./answer_body.ts";
import { isBlockedPort } from "./blocked_ports.ts";
import { ChunkReader } from "./chunk_reader.ts";
import { MirrorClient } from "./mirror_client.ts";
import { networkDetail } from "./network_detail.ts";
import { requestText } from "./request_text.ts";
import { afterShared } from "./shared_timeout.ts";

const MAX_STATUS = 599;

/** What all requests to upstreams have in common. */
export interface ClientOptions {
  readonly userAgent: string;
  /** Our entry for `Via`, by which a request that comes back to us is known. */
  readonly via: string;
  /** Milliseconds until the head must be there, redirects included. */
  readonly headTimeoutMs: number;
  readonly clock: Clock;
}

/** One question to one upstream. */
export interface Question {
  readonly method: string;
  readonly url: string;
  /** Further fields of this request; they win over our own. */
  readonly headers: HeaderList;
}

/** A question that brings a body along. */
export interface Message extends Question {
  readonly body: ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer> | null;
}

/** An upstream's final answer, redirects followed; its body has not been read. */
export interface Answer {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: AnswerBody | null;
  readonly secure: boolean;
}

/** Asks one upstream: its proxy, its extra headers, its redirects. Owns its connections. */
export class UpstreamClient implements Disposable {
  readonly #upstream: Upstream;
  readonly #options: ClientOptions;
  readonly #http: Deno.HttpClient;
  /** For plain HTTP without a proxy; null: everything goes by `fetch`. */
  readonly #mirrors: MirrorClient | null;

  constructor(upstream: Upstream, options: ClientOptions) {
    this.#upstream = upstream;
    this.#options = options;
    this.#http = Deno.createHttpClient(
      upstream.proxy === null ? {} : { proxy: { url: upstream.proxy } },
    );
    this.#mirrors = upstream.proxy === null && !hasProxyInEnvironment() ? new MirrorClient() : null;
  }

  /**
   * @param controller Ends the request and its body; its reason is what the caller then sees.
   * @throws {UpstreamError} `network`, `redirect` or `timeout`.
   */
  async ask(question: Question, controller: AbortController): Promise<Answer> {
    const { clock, headTimeoutMs } = this.#options;
    const cancelTimeout = afterShared(
      clock,
      headTimeoutMs,
      () => controller.abort(new UpstreamError({ kind: "timeout", afterMs: headTimeoutMs })),
    );
    try {
      return await this.#askFollowing(question, controller.signal);
    } catch (error) {
      throw asUpstreamError(error);
    } finally {
      cancelTimeout();
    }
  }

  /**
   * Sends one request as it is, and gives back the answer as it is: no redirect is followed. The
   * time to the head counts from the last progress of the request's body.
   *
   * @throws {UpstreamError} `network`, `timeout`, or the reason of the controller.
   */
  async send(message: Message, controller: AbortController): Promise<Answer> {
    const { clock, headTimeoutMs } = this.#options;
    const overdue = new UpstreamError({ kind: "timeout", afterMs: headTimeoutMs });
    const watch = (): () => void => clock.after(headTimeoutMs, () => controller.abort(overdue));
    let cancelTimeout = watch();
    let isWaiting = true;
    const progress = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, into): void {
        into.enqueue(chunk);
        // An upstream may answer before it has the whole body.
        if (!isWaiting) return;
        cancelTimeout();
        cancelTimeout = watch();
      },
    });
    const { body } = message;
    try {
      const { method, url } = message;
      const headers = this.#requestHeaders(message, true);
      const { signal } = controller;
      const init = [...headers] as [string, string][];
      const options = { method, redirect: "manual", client: this.#http, signal } as const;
      const response = await fetch(url, {
        ...options,
        headers: init,
        body: body instanceof ReadableStream ? body.pipeThrough(progress) : body,
      });
      return answerOf(response, url);
    } catch (error) {
      throw asUpstreamError(error);
    } finally {
      isWaiting = false;
      cancelTimeout();
    }
  }

  [Symbol.dispose](): void {
    this.#http.close();
    this.#mirrors?.[Symbol.dispose]();
  }

  async #askFollowing(question: Question, signal: AbortSignal): Promise<Answer> {
    let url = question.url;
    let sameHost = true;
    for (let hops = 0;; hops++) {
      const answer = await this.#askOnce(url, question, sameHost, signal);
      const location = firstValue(answer.headers, "location");
      if (!this.#follows(answer.status, location, url)) return answer;
      // The body of a redirect is of no use; an unread one would hold its connection.
      await answer.body?.cancel();
      const decision = judgeRedirect(url, location, this.#upstream.allowedRedirect, hops);
      if (decision.kind === "refuse") {
        throw new UpstreamError({ kind: "redirect", detail: decision.detail });
      }
      url = decision.url;
      sameHost &&= decision.sameHost;
    }
  }

  async #askOnce(
    url: string,
    question: Question,
    sameHost: boolean,
    signal: AbortSignal,
  ): Promise<Answer> {
    const { method } = question;
    const headers = this.#requestHeaders(question, sameHost);
    if (this.#mirrors !== null && url.startsWith("http://")) {
      const to = new URL(url);
      const { hostname } = to;
      const port = to.port === "" ? 80 : Number(to.port);
      if (to.username === "" && to.password === "" && !isBlockedPort(port)) {
        const address = { hostname, port };
        const request = requestText(method, to, headers);
        const answer = await this.#mirrors.ask(address, method, request, signal);
        return mustBeKnown({ ...answer, secure: false });
      }
    }
    const response = await fetch(url, {
      method,
      headers: [...headers] as [string, string][],
      redirect: "manual",
      client: this.#http,
      signal,
    });
    return answerOf(response, url);
  }

  /** To an upstream whose every answer counts, a redirect is one too, unless it is an allowed one. */
  #follows(status: number, location: string | null, from: string): boolean {
    if (!isRedirect(status)) return false;
    const { checkers, allowedRedirect } = this.#upstream;
    if (checkers.some(({ statusCodes }) => statusCodes !== "any")) return true;
    const target = location === null ? null : URL.parse(location, from);
    return target !== null && (allowedRedirect?.test(target.href) ?? false);
  }

  #requestHeaders(question: Question, sameHost: boolean): Iterable<readonly [string, string]> {
    const headers = new Map([
      // Without this the platform would decode bodies, and their declared length would be wrong.
      ["accept-encoding", "identity"],
      ["accept", "*/*"],
      ["accept-language", "*"],
      ["user-agent", this.#options.userAgent],
      ["via", this.#options.via],
    ]);
    for (const [name, value] of question.headers) {
      // RFC 9110 section 7.6.3: each who passes a message on adds itself.
      headers.set(name, name === "via" ? `${value}, ${this.#options.via}` : value);
    }
    // Credentials are for the host that they were configured for, not for one it redirects to.
    if (sameHost) {
      for (const [name, value] of this.#upstream.headers) headers.set(name.toLowerCase(), value);
    }
    return headers;
  }
}

function answerOf({ status, headers, body }: Response, url: string): Answer {
  return mustBeKnown({
    status,
    headers: [...headers],
    body: body === null ? null : new ChunkReader(body),
    secure: url.startsWith("https:"),
  });
}

/** RFC 9110 section 15: another status is an error, and none that could be passed on. */
function mustBeKnown(answer: Answer): Answer {
  const { status, body } = answer;
  if (status <= MAX_STATUS) return answer;
  void body?.cancel();
  throw new UpstreamError({ kind: "status", status });
}

/** Then the platform knows best what goes where. */
function hasProxyInEnvironment(): boolean {
  return ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"].some((name) => Deno.env.get(name));
}

function asUpstreamError(error: unknown): UpstreamError {
  if (error instanceof UpstreamError) return error;
  return new UpstreamError({ kind: "network", detail: networkDetail(error) }, { cause: error });
}
