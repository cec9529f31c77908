import type { Config } from "../../config/config.ts";
import { ConfigError } from "../../errors.ts";
import { networkDetail } from "../../fill/network_detail.ts";
import { type CommandCall, flagText } from "./command_spec.ts";
import { CommandError, EXIT } from "./command_error.ts";
import { configOf } from "./config_of.ts";
import { type ReadEvent, readEvents } from "./read_events.ts";

/** How long an answer may take whose work is small, in milliseconds. */
const ANSWER_MS = 30_000;

/** How long a stream may be silent, in milliseconds: it shows that it lives every 15 seconds. */
const SILENCE_MS = 60_000;

/** Addresses that mean all of a machine's: from here, that is the loopback one. */
const LOOPBACK_OF: Readonly<Record<string, string>> = {
  "": "127.0.0.1",
  "0.0.0.0": "127.0.0.1",
  "::": "[::1]",
};

/** How to ask. */
export interface AdminRequest {
  readonly method: "GET" | "POST" | "DELETE";
  /** With its query, escaped. */
  readonly target: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Milliseconds; without it, half a minute. */
  readonly timeoutMs?: number;
}

/** Asks the admin listener of a running proxy. */
export class AdminClient {
  readonly #url: string;
  readonly #token: string | null;

  /** @param url Base URL, without a slash at its end. */
  constructor(url: string, token: string | null) {
    this.#url = url;
    this.#token = token;
    // What is on this machine is asked without a proxy, whatever the environment says.
    const others = Deno.env.get("NO_PROXY") ?? Deno.env.get("no_proxy") ?? "";
    Deno.env.set("NO_PROXY", [others, "127.0.0.1", "localhost", "::1"].filter(Boolean).join(","));
  }

  /**
   * The admin listener that is meant: by flag, by environment, or as the config file has it.
   *
   * @throws {CommandError} When nobody says where it is.
   */
  static of(call: CommandCall): AdminClient {
    const { env } = call;
    const named = flagText(call, "admin") ?? (env("CACHE_PROXY_ADMIN") || null);
    const token = flagText(call, "token") ?? (env("CACHE_PROXY_TOKEN") || null);
    if (named !== null && token !== null) return new AdminClient(baseUrl(named), token);
    const admin = adminSection(call, named !== null);
    const url = named === null ? urlOf(admin) : baseUrl(named);
    // A token is for the listener that it was configured for, and for no other one.
    const isConfigured = admin !== null && (named === null || url === placeOf(admin));
    return new AdminClient(url, token ?? (isConfigured ? admin.token : null));
  }

  get url(): string {
    return this.#url;
  }

  /**
   * The JSON of an answer.
   *
   * @param keys What the answer has, or else it is none of a cache-proxy.
   * @throws {CommandError} When nobody answers, or the answer is a refusal or another than expected.
   */
  async json<T extends object>(
    request: AdminRequest,
    keys: readonly (keyof T & string)[],
  ): Promise<T> {
    const signal = AbortSignal.timeout(request.timeoutMs ?? ANSWER_MS);
    const response = await this.#ask(request, signal);
    const text = await response.text().catch((error) => {
      throw this.#unreachable(error);
    });
    if (!response.ok) throw this.#refused(response, text);
    const answer = parsed(text);
    if (typeof answer === "object" && answer !== null && keys.every((key) => key in answer)) {
      return answer as T;
    }
    throw new CommandError(
      `What answers at ${this.#url} is no admin listener of cache-proxy, or one of another version`,
    );
  }

  /**
   * The events of an answer, as they come.
   *
   * @throws {CommandError} When nobody answers, the answer is a refusal, or it breaks off.
   */
  async *events(request: AdminRequest): AsyncGenerator<ReadEvent, void> {
    const silent = new AbortController();
    const restart = (): ReturnType<typeof setTimeout> =>
      setTimeout(() => silent.abort(new Error(`silent for ${SILENCE_MS / 1000} s`)), SILENCE_MS);
    let timer = restart();
    try {
      const response = await this.#ask(request, silent.signal);
      const type = response.headers.get("content-type") ?? "";
      if (!response.ok || response.body === null || !type.startsWith("text/event-stream")) {
        throw this.#refused(response, await response.text());
      }
      yield* readEvents(response.body, () => {
        clearTimeout(timer);
        timer = restart();
      });
    } catch (error) {
      throw error instanceof CommandError ? error : this.#brokenOff(error);
    } finally {
      clearTimeout(timer);
    }
  }

  async #ask({ method, target, body }: AdminRequest, signal: AbortSignal): Promise<Response> {
    const headers = new Headers({ "x-cache-proxy": "1" });
    if (body !== undefined) headers.set("content-type", "application/json");
    if (this.#token !== null) headers.set("authorization", bearer(this.#token));
    try {
      return await fetch(this.#url + target, {
        method,
        headers,
        body: body === undefined ? null : JSON.stringify(body),
        redirect: "manual",
        signal,
      });
    } catch (error) {
      throw this.#unreachable(error);
    }
  }

  #unreachable(error: unknown): CommandError {
    return new UnreachableError(
      `Cannot reach the admin listener at ${this.#url}: ${reasonOf(error)}\n` +
        `Is the proxy running? "cache-proxy serve" starts it; --config names its configuration, ` +
        "--admin URL its admin listener",
    );
  }

  #brokenOff(error: unknown): CommandError {
    return new CommandError(
      `The answer of ${this.#url} broke off: ${reasonOf(error)}\nIs the proxy still running?`,
    );
  }

  #refused({ status }: Response, text: string): CommandError {
    const answer = parsed(text);
    const why = typeof answer === "object" && answer !== null && "error" in answer
      ? String(answer.error)
      : `status ${status}`;
    if (status === 401) {
      const wrong = this.#token === null ? "needs a token" : "does not take this token";
      return new CommandError(
        `The admin listener at ${this.#url} ${wrong}\n` +
          "Give the value of admin.token by --token or CACHE_PROXY_TOKEN",
      );
    }
    if (status === 404 && why.startsWith("There is no ")) {
      return new CommandError(`The proxy at ${this.#url} is another version: ${why}`);
    }
    return new CommandError(`The proxy at ${this.#url} refused: ${why}`);
  }
}

/** Nobody answers. */
export class UnreachableError extends CommandError {}

/** null: the file cannot be used, and there is no need of it. */
function adminSection(call: CommandCall, isOptional: boolean): Config["admin"] | null {
  try {
    return configOf(call).config.admin;
  } catch (error) {
    if (isOptional && error instanceof ConfigError) return null;
    if (!(error instanceof ConfigError)) throw error;
    const message = `${error.message}\n--admin URL asks a proxy without its configuration`;
    throw new CommandError(message, EXIT.usage);
  }
}

function urlOf(admin: Config["admin"] | null): string {
  if (admin !== null && admin.port !== 0) return placeOf(admin);
  throw new CommandError(
    "Cannot tell where the admin listener is: admin.port is 0\n" +
      "--admin URL names it; the log of the proxy says where it is",
    EXIT.usage,
  );
}

function placeOf({ address, port }: Config["admin"]): string {
  const host = LOOPBACK_OF[address] ?? (address.includes(":") ? `[${address}]` : address);
  return `http://${host}:${port}`;
}

function baseUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new CommandError(
      `Cannot use admin listener "${text}": it is no URL such as http://127.0.0.1:8882`,
      EXIT.usage,
    );
  }
  return (url.origin + url.pathname).replace(/\/+$/, "");
}

function bearer(token: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return `Bearer ${token}`;
  throw new CommandError("Cannot use the token: it holds a space or what is not ASCII", EXIT.usage);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return "no answer in time";
  // What the platform says of it is for people in its last part alone.
  return error instanceof TypeError
    ? networkDetail(error).replace(/^tcp connect error: /, "")
    : error.message;
}
