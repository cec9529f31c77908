import { FORWARD_UPSTREAM } from "../decide/forward_space.ts";
import type { Upstream } from "../types.ts";
import { type ClientOptions, UpstreamClient } from "./upstream_client.ts";

/**
 * The clients of one configuration. They live as long as somebody uses them: a download that began
 * before a reload ends with the clients that it began with.
 */
export class ClientPool {
  readonly upstreams: readonly Upstream[];
  readonly #clients: ReadonlyMap<string, UpstreamClient>;
  #users = 0;
  #isRetired = false;
  #isClosed = false;

  constructor(upstreams: readonly Upstream[], options: ClientOptions) {
    this.upstreams = upstreams;
    this.#clients = new Map(
      [...upstreams, FORWARD_UPSTREAM]
        .map((upstream) => [upstream.name, new UpstreamClient(upstream, options)]),
    );
  }

  /** The client of one of this configuration's upstreams. */
  of(upstream: string): UpstreamClient {
    const client = this.#clients.get(upstream);
    if (client === undefined) throw new Error(`Cannot ask upstream "${upstream}": it is unknown`);
    return client;
  }

  /** Keeps the connections until the result is disposed of, once. */
  use(): Disposable {
    this.#users++;
    let isUsed = true;
    return {
      [Symbol.dispose]: () => {
        if (isUsed) this.#users--;
        isUsed = false;
        this.#closeIfUnused();
      },
    };
  }

  /** Nobody begins to use it any more. */
  retire(): void {
    this.#isRetired = true;
    this.#closeIfUnused();
  }

  #closeIfUnused(): void {
    if (this.#isClosed || !this.#isRetired || this.#users > 0) return;
    this.#isClosed = true;
    for (const client of this.#clients.values()) client[Symbol.dispose]();
  }
}
