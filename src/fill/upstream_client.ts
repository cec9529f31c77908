import { isRedirect, judgeRedirect } from "../decide/redirect.ts";
import { manifestAccept } from "../decide/registry/manifests.ts";
import { firstValue } from "../decide/fields.ts";
import { authorizationOf } from "../decide/authorization.ts";
import { unforwardable } from "../decide/forward_allow.ts";
import { FORWARD_UPSTREAM } from "../decide/forward_space.ts";
import { UpstreamError } from "../errors.ts";
import type { Clock, HeaderList, Pattern, Upstream } from "../types.ts";
import type { AnswerBody } from "./answer_body.ts";
import { BearerTokens } from "./bearer_tokens.ts";
import { isBlockedPort } from "./blocked_ports.ts";
import { ChunkReader } from "./chunk_reader.ts";
import { allowedDestination, type Destination, refuseNearby } from "./destination.ts";
import { MirrorClient } from "./mirror_client.ts";
import { networkDetail } from "./network_detail.ts";
import { requestText } from "./request_text.ts";
import { type ResolveHost, resolveHost } from "./resolve_host.ts";
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
  /** `forward.allow`; absent: empty. */
  readonly forwardAllow?: readonly string[];
  /** Without it the system's. */
  readonly resolve?: ResolveHost;
}

/** By which the platform is told to connect to a proxy (see `Deno.createHttpClient`). */
const PROXY_VARIABLES: readonly string[] = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];

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
  /** null: the upstream hands out none. */
  readonly #tokens: BearerTokens | null;
  /** null: a proxy resolves names. */
  readonly #resolve: ResolveHost | null;
  /** For plain HTTP without a proxy; null: everything goes by `fetch`. */
  readonly #mirrors: MirrorClient | null;

  constructor(upstream: Upstream, options: ClientOptions) {
    this.#upstream = upstream;
    this.#options = options;
    this.#http = Deno.createHttpClient({
      ...upstream.proxy === null ? {} : { proxy: { url: upstream.proxy } },
      // Where the connection goes to an address that was looked up before.
      allowHost: upstream === FORWARD_UPSTREAM,
    });
    // With a proxy in the environment the platform knows best what goes where.
    const isDirect = upstream.proxy === null && !hasProxyVariable();
    this.#resolve = isDirect ? options.resolve ?? resolveHost : null;
    this.#mirrors = isDirect ? new MirrorClient() : null;
    this.#tokens = upstream.protocol === "oci" ? this.#bearerTokens() : null;
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
      const destination = await this.#destination(url, sameHost, signal);
      const ask = (token: string | null): Promise<Answer> =>
        this.#askOnce(destination, question, sameHost, token, signal);
      const answer = sameHost ? await this.#askWithToken(url, ask, signal) : await ask(null);
      const location = firstValue(answer.headers, "location");
      if (!this.#follows(answer.status, location, url)) return answer;
      // The body of a redirect is of no use; an unread one would hold its connection.
      await answer.body?.cancel();
      const decision = judgeRedirect(url, location, this.#allowedRedirect, hops);
      if (decision.kind === "refuse") {
        throw new UpstreamError({ kind: "redirect", detail: decision.detail });
      }
      url = decision.url;
      sameHost &&= decision.sameHost;
    }
  }

  async #askOnce(
    { url, host }: Destination,
    question: Question,
    sameHost: boolean,
    token: string | null,
    signal: AbortSignal,
  ): Promise<Answer> {
    const { method } = question;
    const headers = this.#requestHeaders(question, sameHost, token);
    if (this.#mirrors !== null && url.startsWith("http://")) {
      const to = new URL(url);
      const { hostname } = to;
      const port = to.port === "" ? 80 : Number(to.port);
      if (to.username === "" && to.password === "" && !isBlockedPort(port)) {
        const address = { hostname, port };
        const { pathname, search } = to;
        const request = requestText(method, { pathname, search, host: host ?? to.host }, headers);
        const answer = await this.#mirrors.ask(address, method, request, signal);
        return mustBeKnown({ ...answer, secure: false });
      }
    }
    const response = await fetch(url, {
      method,
      headers: [...headers, ...host === null ? [] : [["host", host]]] as [string, string][],
      redirect: "manual",
      client: this.#http,
      signal,
    });
    return answerOf(response, url);
  }

  /** Asks once more with a token where the upstream wants one. */
  async #askWithToken(
    url: string,
    ask: (token: string | null) => Promise<Answer>,
    signal: AbortSignal,
  ): Promise<Answer> {
    const token = this.#tokens?.known(url) ?? null;
    const answer = await ask(token);
    const { status } = answer;
    if (this.#tokens === null || status !== 401) return answer;
    await answer.body?.cancel();
    const challenge = firstValue(answer.headers, "www-authenticate");
    const fresh = await this.#tokens.obtain(url, challenge, token, signal);
    if (fresh === null) throw new UpstreamError({ kind: "status", status });
    return await ask(fresh);
  }

  #bearerTokens(): BearerTokens {
    const { clock, headTimeoutMs: timeoutMs } = this.#options;
    return new BearerTokens({
      rules: this.#upstream,
      clock,
      timeoutMs,
      ask: async (url, withCredentials, signal) => {
        if (!withCredentials && this.#resolve !== null) {
          await refuseNearby(url, this.#upstream.server, this.#resolve, signal);
        }
        const headers = new Headers({ "user-agent": this.#options.userAgent });
        const credentials = withCredentials ? basicCredentials(this.#upstream) : null;
        if (credentials !== null) headers.set("authorization", credentials);
        return await fetch(url, { headers, redirect: "manual", client: this.#http, signal });
      },
    });
  }

  /** @throws {UpstreamError} `redirect` when it may not go there. */
  async #destination(url: string, sameHost: boolean, signal: AbortSignal): Promise<Destination> {
    if (this.#upstream === FORWARD_UPSTREAM) {
      const { forwardAllow = [] } = this.#options;
      return await allowedDestination(url, forwardAllow, this.#resolve, signal);
    }
    if (!sameHost && this.#resolve !== null) {
      await refuseNearby(url, this.#upstream.server, this.#resolve, signal);
    }
    return { url, host: null };
  }

  get #allowedRedirect(): Pick<Pattern, "test"> | null {
    if (this.#upstream !== FORWARD_UPSTREAM) return this.#upstream.allowedRedirect;
    const { forwardAllow = [] } = this.#options;
    return { test: (href) => unforwardable(new URL(href), forwardAllow) === null };
  }

  /** To an upstream whose every answer counts, a redirect is one too, unless it is an allowed one. */
  #follows(status: number, location: string | null, from: string): boolean {
    if (!isRedirect(status)) return false;
    const { checkers, allowedRedirect } = this.#upstream;
    if (checkers.some(({ statusCodes }) => statusCodes !== "any")) return true;
    const target = location === null ? null : URL.parse(location, from);
    return target !== null && (allowedRedirect?.test(target.href) ?? false);
  }

  #requestHeaders(
    question: Question,
    sameHost: boolean,
    token: string | null = null,
  ): Iterable<readonly [string, string]> {
    const isRegistry = this.#upstream.protocol === "oci";
    const headers = new Map([
      // Without this the platform would decode bodies, and their declared length would be wrong.
      ["accept-encoding", "identity"],
      ["accept", (isRegistry ? manifestAccept(question.url) : null) ?? "*/*"],
      ["accept-language", "*"],
      ["user-agent", this.#options.userAgent],
      ["via", this.#options.via],
    ]);
    for (const [name, value] of question.headers) {
      // RFC 9110 section 7.6.3: each who passes a message on adds itself.
      headers.set(name, name === "via" ? `${value}, ${this.#options.via}` : value);
    }
    // Credentials are for the host that they were configured for, not for one it redirects to.
    if (!sameHost) return headers;
    const authorization = token === null ? authorizationOf(this.#upstream.auth) : `Bearer ${token}`;
    for (const [name, value] of this.#upstream.headers) headers.set(name.toLowerCase(), value);
    // A client whose request is passed through may have some of its own.
    if (authorization !== null && (token !== null || !headers.has("authorization"))) {
      headers.set("authorization", authorization);
    }
    return headers;
  }
}

/** What a token server takes: user and password, given either way. */
function basicCredentials({ auth, headers }: Upstream): string | null {
  if (auth?.kind === "basic") return authorizationOf(auth);
  const given = firstValue(headers, "authorization");
  return given !== null && /^basic /i.test(given) ? given : null;
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

function asUpstreamError(error: unknown): UpstreamError {
  if (error instanceof UpstreamError) return error;
  return new UpstreamError({ kind: "network", detail: networkDetail(error) }, { cause: error });
}

function hasProxyVariable(): boolean {
  return PROXY_VARIABLES.some((name) =>
    [name, name.toLowerCase()].some((it) => (Deno.env.get(it) ?? "") !== "")
  );
}
