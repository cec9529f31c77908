// @ts-check
/// <reference lib="dom" />
import { events } from "./api.js";
import { byId, keepInLine, make, part, setShare, setText } from "./dom.js";
import { bytes, count, counted } from "./format.js";
import { toast } from "./toast.js";

/** Paths that are drawn; all are counted. */
const MAX_SHOWN = 100;

/** What the listener takes at once. */
const MAX_PATHS = 10_000;

/** How each state is called, how it looks, and its place in the list. */
const STATES = new Map([
  ["failed", ["failed", "bad", 0]],
  ["downloading", ["downloading", "good", 1]],
  ["waiting", ["waiting", "idle", 2]],
  ["done", ["stored", "good", 3]],
  ["unchanged", ["there already", "good", 3]],
]);

/** The box for paths that are to be in the cache before anybody asks for them. */
export class Prefetch {
  /** @type {() => void} */ #onStored;
  /** @type {AbortController | null} */ #running = null;
  /** @type {Map<string, any>} The last word on each path. */ #progress = new Map();
  #isDrawn = true;

  /** @param {() => void} onStored Called when all is done. */
  constructor(onStored) {
    this.#onStored = onStored;
    byId("prefetch").addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#start();
    });
    byId("prefetch-stop").addEventListener("click", () => this.#running?.abort());
  }

  async #start() {
    if (this.#running !== null) return;
    const paths = pathsOf(byId("prefetch-paths"));
    if (paths.length === 0) return this.#summary("Write at least one path, as /debian/dists/…");
    if (paths.length > MAX_PATHS) return this.#summary(`At most ${count(MAX_PATHS)} at once`);
    this.#running = new AbortController();
    this.#setRunning(true);
    this.#progress = new Map(
      paths.map((path) => [path, { path, state: "waiting", written: 0, size: null, reason: null }]),
    );
    this.#draw();
    try {
      for await (const { name, data } of events("/prefetch", { paths }, this.#running.signal)) {
        if (name === "done") this.#finish(data);
        else if (name === "progress") this.#update(data);
      }
    } catch (error) {
      const isStopped = this.#running.signal.aborted;
      this.#summary(isStopped ? "Stopped: what had begun goes on" : "It broke off");
      if (!isStopped) toast(error instanceof Error ? error.message : String(error), "bad");
    } finally {
      this.#running = null;
      this.#setRunning(false);
      this.#onStored();
    }
  }

  /** @param {any} progress */
  #update(progress) {
    this.#progress.set(progress.path, progress);
    if (!this.#isDrawn) return;
    // Many come at once; they are drawn together.
    this.#isDrawn = false;
    requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#isDrawn = true;
    const all = [...this.#progress.values()];
    const ended = all.filter(({ state }) => state !== "waiting" && state !== "downloading");
    const share = all.reduce((sum, it) => sum + shareOf(it), 0) / all.length;
    setShare(byId("prefetch-bar"), share);
    if (this.#running !== null) {
      this.#summary(`${count(ended.length)} of ${counted(all.length, "path", "paths")}`);
    }
    const ordered = all.toSorted((a, b) => placeOf(a) - placeOf(b)).slice(0, MAX_SHOWN);
    keepInLine(byId("fetches"), ordered, ({ path }) => path, create, update);
  }

  /** @param {any} numbers */
  #finish({ stored, unchanged, failed }) {
    this.#draw();
    const parts = [`${count(stored)} stored`, `${count(unchanged)} there already`];
    if (failed > 0) parts.push(`${count(failed)} failed`);
    this.#running = null;
    this.#summary(parts.join(", "));
  }

  /** @param {boolean} isRunning */
  #setRunning(isRunning) {
    byId("prefetch-bar").hidden = !isRunning && this.#progress.size === 0;
    byId("prefetch-start").toggleAttribute("disabled", isRunning);
    byId("prefetch-stop").toggleAttribute("disabled", !isRunning);
  }

  /** @param {string} text */
  #summary(text) {
    setText(byId("prefetch-summary"), text);
  }
}

/**
 * @param {HTMLElement} field
 * @returns {string[]} Each once.
 */
function pathsOf(field) {
  if (!(field instanceof HTMLTextAreaElement)) return [];
  const lines = field.value.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  return [...new Set(lines)];
}

/** @param {any} progress */
function shareOf({ state, written, size }) {
  if (state === "waiting") return 0;
  return state === "downloading" ? written / (size || Infinity) : 1;
}

/** @param {any} progress */
function placeOf({ state }) {
  return Number(STATES.get(state)?.[2] ?? 0);
}

function create() {
  return make("li", {}, [
    make("span", { class: "dot" }),
    make("span", { class: "path" }),
    make("span", { class: "how muted small" }),
  ]);
}

/**
 * @param {HTMLElement} element
 * @param {any} progress
 */
function update(element, { path, state, written, size, reason }) {
  const [word, look] = STATES.get(state) ?? [state, "idle"];
  element.dataset["state"] = String(look);
  setText(part(element, "path"), path);
  const far = state === "downloading" && size !== null
    ? ` · ${bytes(written)} of ${bytes(size)}`
    : "";
  const why = state === "failed" && reason !== null ? ` · ${reason}` : "";
  setText(part(element, "how"), `${word}${far}${why}`);
}
