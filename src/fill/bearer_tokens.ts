import { LRUCache } from "lru-cache";
import { readToken, type Token } from "../decide/registry/read_token.ts";
import { tokenRequest, type TokenRules } from "../decide/registry/token_request.ts";
import { UpstreamError } from "../errors.ts";
import type { Clock } from "../types.ts";

/** Tokens that are kept, one for each repository and service. */
const MAX_TOKENS = 1_000;

/** Repositories of which it is known where their tokens are to be had. */
const MAX_REPOSITORIES = 1_000;

/** Token servers send a few KiB. */
const MAX_ANSWER_BYTES = 256 * 1024;

/** What tells one repository's requests from another's: each takes a token of its own. */
const REPOSITORY = /^(.*)\/(?:manifests|blobs|tags|referrers)\//;

/** What getting tokens works with. */
export interface BearerTokensOptions {
  readonly rules: TokenRules;
  readonly clock: Clock;
  /** Milliseconds until a token server's whole answer must be there. */
  readonly timeoutMs: number;
  /** Asks a token server once, and follows no redirect. */
  ask(url: string, withCredentials: boolean, signal: AbortSignal): Promise<Response>;
}

/** The source of one repository's tokens. */
interface Source {
  readonly url: string;
  readonly withCredentials: boolean;
}

/**
 * Tokens of one upstream that wants them (`WWW-Authenticate: Bearer`): fetched when it asks, by one
 * request for all who wait, and used until they expire.
 */
export class BearerTokens {
  readonly #options: BearerTokensOptions;
  readonly #tokens = new LRUCache<string, Token>({ max: MAX_TOKENS });
  readonly #sources = new LRUCache<string, Source>({ max: MAX_REPOSITORIES });
  readonly #underWay = new Map<string, Promise<Token>>();

  constructor(options: BearerTokensOptions) {
    this.#options = options;
  }

  /** What a request for a URL is likely to need; null: nothing that is known. */
  known(url: string): string | null {
    const source = this.#sources.get(repositoryOf(url));
    return source === undefined ? null : this.#fresh(source)?.value ?? null;
  }

  /**
   * A token that the upstream has asked for; null when none would help.
   *
   * @param refused The token that the upstream did not take; null: it has had none.
   * @param signal Ends the waiting, not the request that others may wait for as well.
   * @throws {UpstreamError} `network`: the token cannot be had; or the reason of the signal.
   */
  async obtain(
    url: string,
    wwwAuthenticate: string | null,
    refused: string | null,
    signal: AbortSignal,
  ): Promise<string | null> {
    const decision = tokenRequest(wwwAuthenticate, this.#options.rules);
    if (decision.kind === "none") return null;
    if (decision.kind === "refuse") throw failure(decision.detail);
    const source: Source = { url: decision.url, withCredentials: decision.withCredentials };
    this.#sources.set(repositoryOf(url), source);
    if (refused !== null && this.#tokens.get(source.url)?.value === refused) {
      this.#tokens.delete(source.url);
    }
    const known = this.#fresh(source);
    if (known !== null) return known.value;
    const { value } = await unlessAborted(this.#fetchOnce(source), signal);
    return value;
  }

  #fresh({ url }: Source): Token | null {
    const token = this.#tokens.get(url);
    return token !== undefined && this.#options.clock.now() < token.expiresAt ? token : null;
  }

  #fetchOnce(source: Source): Promise<Token> {
    const underWay = this.#underWay.get(source.url);
    if (underWay !== undefined) return underWay;
    const fetching = this.#fetch(source).finally(() => this.#underWay.delete(source.url));
    this.#underWay.set(source.url, fetching);
    return fetching;
  }

  async #fetch({ url, withCredentials }: Source): Promise<Token> {
    const { clock, timeoutMs, ask } = this.#options;
    const controller = new AbortController();
    const cancelTimeout = clock.after(timeoutMs, () => controller.abort());
    const { origin } = new URL(url);
    const askedAt = clock.now();
    try {
      const response = await ask(url, withCredentials, controller.signal);
      if (response.status !== 200) {
        await response.body?.cancel();
        throw failure(`token server ${origin} answered ${response.status}`);
      }
      const token = readToken(await boundedText(response), askedAt);
      if (token === null) throw failure(`token server ${origin} gave no token`);
      this.#tokens.set(url, token);
      return token;
    } catch (error) {
      if (error instanceof UpstreamError) throw error;
      const why = controller.signal.aborted ? "is silent" : "cannot be reached";
      throw failure(`token server ${origin} ${why}`, { cause: error });
    } finally {
      cancelTimeout();
    }
  }
}

function repositoryOf(url: string): string {
  return REPOSITORY.exec(url)?.[1] ?? url.replace(/[?#].*$/s, "");
}

async function boundedText({ body }: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_ANSWER_BYTES) throw failure("token server's answer is too long");
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const stop = (): void => aborted.reject(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", stop);
    // Whoever is left alone with either of them does not hear of it.
    promise.catch(() => {});
    aborted.promise.catch(() => {});
  }
}

function failure(detail: string, options?: ErrorOptions): UpstreamError {
  return new UpstreamError({ kind: "network", detail }, options);
}
