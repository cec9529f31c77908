import { isRedirect, judgeRedirect } from "../decide/redirect.ts";
import { firstValue } from "../decide/fields.ts";
import { UpstreamError } from "../errors.ts";
import type { Clock, HeaderList, Upstream } from "../types.ts";
import { networkDetail } from "./network_detail.ts";

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
  readonly method: "GET" | "HEAD";
  readonly url: string;
  /** Conditional headers of this request. */
  readonly headers: HeaderList;
}

/** An upstream's final answer, redirects followed; its body has not been read. */
export interface Answer {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: ReadableStream<Uint8Array> | null;
  readonly secure: boolean;
}

/** Asks one upstream: its proxy, its extra headers, its redirects. Owns its connections. */
export class UpstreamClient implements Disposable {
  readonly #upstream: Upstream;
  readonly #options: ClientOptions;
  readonly #http: Deno.HttpClient;

  constructor(upstream: Upstream, options: ClientOptions) {
    this.#upstream = upstream;
    this.#options = options;
    this.#http = Deno.createHttpClient(
      upstream.proxy === null ? {} : { proxy: { url: upstream.proxy } },
    );
  }

  /**
   * @param controller Ends the request and its body; its reason is what the caller then sees.
   * @throws {UpstreamError} `network`, `redirect` or `timeout`.
   */
  async ask(question: Question, controller: AbortController): Promise<Answer> {
    const { clock, headTimeoutMs } = this.#options;
    const cancelTimeout = clock.after(
      headTimeoutMs,
      () => controller.abort(new UpstreamError({ kind: "timeout", afterMs: headTimeoutMs })),
    );
    try {
      return await this.#askFollowing(question, controller.signal);
    } catch (error) {
      if (error instanceof UpstreamError) throw error;
      const detail = networkDetail(error);
      throw new UpstreamError({ kind: "network", detail }, { cause: error });
    } finally {
      cancelTimeout();
    }
  }

  [Symbol.dispose](): void {
    this.#http.close();
  }

  async #askFollowing(question: Question, signal: AbortSignal): Promise<Answer> {
    let url = question.url;
    let sameHost = true;
    for (let hops = 0;; hops++) {
      const response = await fetch(url, {
        method: question.method,
        headers: this.#requestHeaders(question, sameHost),
        redirect: "manual",
        client: this.#http,
        signal,
      });
      const headers: HeaderList = [...response.headers];
      if (!isRedirect(response.status)) {
        const secure = url.startsWith("https:");
        return { status: response.status, headers, body: response.body, secure };
      }
      // The body of a redirect is of no use; an unread one would hold its connection.
      await response.body?.cancel();
      const location = firstValue(headers, "location");
      const decision = judgeRedirect(url, location, this.#upstream.allowedRedirect, hops);
      if (decision.kind === "refuse") {
        throw new UpstreamError({ kind: "redirect", detail: decision.detail });
      }
      url = decision.url;
      sameHost &&= decision.sameHost;
    }
  }

  #requestHeaders(question: Question, sameHost: boolean): Headers {
    const headers = new Headers([
      // Without this the platform would decode bodies, and their declared length would be wrong.
      ["accept-encoding", "identity"],
      ["accept", "*/*"],
      ["user-agent", this.#options.userAgent],
      ["via", this.#options.via],
    ]);
    for (const [name, value] of question.headers) headers.set(name, value);
    // Credentials are for the host that they were configured for, not for one it redirects to.
    if (sameHost) { for (const [name, value] of this.#upstream.headers) headers.set(name, value); }
    return headers;
  }
}
