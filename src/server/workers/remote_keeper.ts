import type { Cache } from "../../cache/cache.ts";
import type { Instant } from "../../types.ts";
import type { Exchange } from "../exchange.ts";
import { type Hit, isWorthKeeping, slowFields } from "../quick_answers.ts";
import type { Answer } from "../representation.ts";
import type { QuickSettings } from "./messages.ts";
import { RemoteRequest } from "./remote_request.ts";

/** Marks what serving workers may keep, where `QuickAnswers` would keep it itself. */
export class RemoteKeeper {
  readonly #cache: Pick<Cache, "isForAll">;
  readonly #settings: QuickSettings;
  readonly #slowFields: readonly string[];

  constructor(cache: Pick<Cache, "isForAll">, settings: QuickSettings) {
    this.#cache = cache;
    this.#slowFields = slowFields(settings);
    this.#settings = settings;
  }

  /** As in `QuickAnswers`. */
  keep(exchange: Exchange, hit: Hit, { body }: Pick<Answer, "body">, now: Instant): void {
    const { request, target, facts: { path } } = exchange;
    const settings = this.#settings;
    if (settings.maxBytes === 0 || !(body instanceof Uint8Array)) return;
    if (!(request instanceof RemoteRequest)) return;
    if (!isWorthKeeping(exchange, hit, body, this.#slowFields)) return;
    if (!this.#cache.isForAll(target)) return;
    request.worthKeeping = { settings, answer: { target: path, hit, keptAt: now } };
  }
}
