// @ts-check
/// <reference lib="dom" />
import { ApiError, ask } from "./api.js";

/** How often figures are fetched, in milliseconds. */
const POLL_MS = 2000;

/** How long to wait before events are tried again that could not be had, in milliseconds. */
const RETRY_EVENTS_MS = 15_000;

/**
 * What the page is told.
 *
 * @typedef {object} Listener
 * @property {(status: any) => void} onStatus
 * @property {(downloads: any[], isLive: boolean) => void} onDownloads
 * @property {(fill: any) => void} onFill A download has ended.
 * @property {(error: ApiError | null) => void} onConnection null: all is well.
 */

/** Follows the proxy for as long as somebody looks at the page. */
export class Live {
  /** @type {Listener} */ #listener;
  /** @type {EventSource | null} */ #source = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer = undefined;
  #isLive = false;
  #isAsking = false;
  #triedAt = -Infinity;

  /** @param {Listener} listener */
  constructor(listener) {
    this.#listener = listener;
    document.addEventListener("visibilitychange", () => this.#follow());
    this.#follow();
  }

  /** Fetches the figures now. */
  async poll() {
    clearTimeout(this.#timer);
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      const status = await ask("/status");
      this.#listener.onConnection(null);
      if (!this.#isLive) this.#listener.onDownloads(status.downloads, false);
      this.#listener.onStatus(status);
    } catch (error) {
      this.#listener.onConnection(
        error instanceof ApiError ? error : new ApiError(String(error), 0),
      );
    } finally {
      this.#isAsking = false;
    }
    if (document.visibilityState === "hidden") return;
    this.#listen();
    this.#timer = setTimeout(() => void this.poll(), POLL_MS);
  }

  #follow() {
    clearTimeout(this.#timer);
    if (document.visibilityState === "hidden") return this.#leave();
    this.#listen();
    void this.poll();
  }

  #listen() {
    const now = performance.now();
    if (this.#source !== null || now - this.#triedAt < RETRY_EVENTS_MS) return;
    this.#triedAt = now;
    const source = new EventSource(`${location.origin}/events`);
    this.#source = source;
    source.addEventListener("downloads", (event) => {
      this.#isLive = true;
      this.#listener.onDownloads(JSON.parse(event.data), true);
    });
    source.addEventListener("fill", (event) => this.#listener.onFill(JSON.parse(event.data)));
    source.addEventListener("problem", () => void this.poll());
    // It would try again by itself, but not after an answer that is no stream.
    source.addEventListener("error", () => this.#leave());
  }

  #leave() {
    this.#source?.close();
    this.#source = null;
    this.#isLive = false;
  }
}
