// @ts-check
/// <reference lib="dom" />
import { ask, targetOf } from "./api.js";
import { confirmed } from "./confirm.js";
import { byId, keepInLine, make, makeButton, part, setText } from "./dom.js";
import { ago, bytes, count, counted, instant, span } from "./format.js";
import { toast } from "./toast.js";

const PAGE_ITEMS = 25;

/** How long downloads that end are gathered before the page is fetched anew, in milliseconds. */
const GATHER_MS = 1000;

/** The browser of what is cached, a folder at a time. The folder stands in the page's address. */
export class Catalog {
  #prefix = "/";
  /** @type {(string | null)[]} Cursors of the pages up to this one. */
  #pages = [null];
  /** @type {string | null} */ #next = null;
  #asked = 0;
  /** @type {ReturnType<typeof setTimeout> | null} */ #soon = null;

  constructor() {
    byId("catalog-reload").addEventListener("click", () => void this.load());
    byId("page-back").addEventListener("click", () => {
      this.#pages.pop();
      void this.load();
    });
    byId("page-next").addEventListener("click", () => {
      this.#pages.push(this.#next);
      void this.load();
    });
    addEventListener("hashchange", () => this.#enter());
    this.#enter();
  }

  /**
   * Something has come into the cache.
   *
   * @param {string} path
   */
  loadSoonFor(path) {
    if (this.#soon !== null || !path.startsWith(this.#prefix)) return;
    this.#soon = setTimeout(() => {
      this.#soon = null;
      void this.load();
    }, GATHER_MS);
  }

  /** Fetches the page that is shown anew. */
  async load() {
    const asked = ++this.#asked;
    const cursor = this.#pages.at(-1) ?? null;
    const query = new URLSearchParams({ prefix: this.#prefix, limit: String(PAGE_ITEMS) });
    if (cursor !== null) query.set("cursor", cursor);
    try {
      const page = await ask(`/catalog?${query}`);
      // Another folder was entered meanwhile.
      if (asked === this.#asked) this.#show(page);
    } catch (error) {
      if (asked === this.#asked) this.#showEmpty(`Cannot read the catalog: ${wordsOf(error)}`);
    }
  }

  #enter() {
    const hash = location.hash.slice(1);
    if (hash !== "" && !hash.startsWith("/")) return;
    this.#prefix = hash === "" ? "/" : hash;
    this.#pages = [null];
    this.#showCrumbs();
    void this.load();
  }

  #showCrumbs() {
    const names = this.#prefix.split("/").slice(1, -1);
    const links = [make("a", { href: "#/" }, ["all"])];
    names.forEach((name, at) => {
      const prefix = `/${names.slice(0, at + 1).join("/")}/`;
      links.push(make("a", { href: `#${prefix}` }, [shown(name)]));
    });
    links.at(-1)?.setAttribute("aria-current", "location");
    byId("crumbs").replaceChildren(
      ...links.flatMap((link, at) =>
        at === 0 ? [link] : [make("span", { class: "muted", "aria-hidden": "true" }, ["/"]), link]
      ),
    );
  }

  /** @param {any} page */
  #show({ items, cursor }) {
    this.#next = cursor;
    if (items.length === 0) {
      this.#showEmpty(
        this.#prefix === "/"
          ? "Nothing is cached yet. Point a client at the proxy, or fetch something ahead with Prefetch."
          : "Nothing is cached in this folder any more.",
      );
    } else {
      byId("catalog-empty").hidden = true;
      byId("catalog-table").hidden = false;
    }
    keepInLine(
      byId("catalog"),
      items,
      keyOf,
      (item) => item.folder === undefined ? this.#fileRow(item) : this.#folderRow(item.folder),
      (row, item) => item.folder === undefined && updateFile(row, item),
    );
    const page = this.#pages.length;
    byId("pager").hidden = page === 1 && cursor === null;
    setText(byId("page-number"), `Page ${count(page)}`);
    enable("page-back", page > 1);
    enable("page-next", cursor !== null);
  }

  /** @param {string} text */
  #showEmpty(text) {
    setText(byId("catalog-empty"), text);
    byId("catalog-empty").hidden = false;
    byId("catalog-table").hidden = true;
    byId("catalog").replaceChildren();
    byId("pager").hidden = true;
  }

  /** @param {string} folder */
  #folderRow(folder) {
    const name = `${shown(folder.slice(this.#prefix.length, -1))}/`;
    const purge = () => void this.#purgeFolder(folder);
    return make("tr", {}, [
      make("th", { scope: "row" }, [make("a", { class: "folder", href: `#${folder}` }, [name])]),
      make("td", { class: "none", colspan: "4" }),
      make("td", { class: "actions" }, [
        makeButton("Purge", danger(`Purge folder ${folder}`), purge),
      ]),
    ]);
  }

  /** @param {any} item */
  #fileRow({ path, status, upstream, vary }) {
    const varied = Object.entries(vary).map(([name, value]) => `${name}: ${value}`).join(", ");
    const from = [upstream === null ? "put there by hand" : `from ${upstream}`];
    if (status !== 200) from.push(`status ${status}`);
    if (varied !== "") from.push(varied);
    const name = shown(path.slice(this.#prefix.length)) || path;
    const number = (/** @type {string} */ name, /** @type {string} */ label) =>
      make("td", { class: `number ${name}`, "data-label": label });
    return make("tr", {}, [
      make("th", { scope: "row" }, [
        make("span", { class: "file", title: path }, [name]),
        make("span", { class: "muted small" }, [from.join(" · ")]),
      ]),
      number("size", "Size"),
      number("age", "Age"),
      number("uses", "Hits"),
      make("td", { class: "fresh", "data-label": "Fresh" }),
      make("td", { class: "actions" }, [
        makeButton("Refresh", {
          class: "quiet",
          "aria-label": `Refresh ${path}`,
        }, () => void this.#refresh(path)),
        makeButton("Purge", danger(`Purge ${path}`), () => void this.#purge(path)),
      ]),
    ]);
  }

  /** @param {string} path */
  async #purge(path) {
    const text = `${path} goes out of the cache, and the next client waits for a mirror.`;
    if (!await confirmed("Purge this file?", text)) return;
    await this.#run(async () => {
      const { removed } = await ask(targetOf("/cache", path), "DELETE");
      return removed === 0 ? `${path} was not there any more` : `Purged ${path}`;
    });
  }

  /** @param {string} folder */
  async #purgeFolder(folder) {
    const text = `Everything below ${folder} goes out of the cache.`;
    if (!await confirmed("Purge this folder?", text)) return;
    await this.#run(async () => {
      const query = new URLSearchParams({ prefix: folder });
      const { removed, complete } = await ask(`/cache?${query}`, "DELETE");
      const rest = complete ? "" : "; there is more, so try again";
      return `Purged ${counted(removed, "file", "files")} below ${folder}${rest}`;
    });
  }

  /** @param {string} path */
  async #refresh(path) {
    await this.#run(async () => {
      const { outcome, upstream, reason, failures } = await ask(targetOf("/refresh", path), "POST");
      if (outcome === "unchanged") return `${path} is still good${by(upstream)}`;
      if (outcome === "downloading") return `A newer ${path} is being downloaded${by(upstream)}`;
      const reasons = failures.map((/** @type {any} */ it) => `${it.upstream} ${it.reason}`);
      const why = reasons.length > 0 ? reasons.join("; ") : reason;
      throw new Error(`The stored copy of ${path} stays: ${why}`);
    });
  }

  /** @param {() => Promise<string>} action What it says is told. */
  async #run(action) {
    try {
      toast(await action());
    } catch (error) {
      toast(wordsOf(error), "bad");
    }
    await this.load();
  }
}

/**
 * What tells one row from the others, and from what it was before its copy was replaced.
 *
 * @param {any} item
 */
function keyOf({ folder, path, vary, upstream, stored }) {
  return folder ?? JSON.stringify([path, vary, upstream, stored]);
}

/** @param {string} label */
function danger(label) {
  return { class: "quiet danger", "aria-label": label };
}

/**
 * @param {HTMLElement} row
 * @param {any} item
 */
function updateFile(row, { size, stored, lastUsed, hits, freshForSeconds }) {
  setText(part(row, "size"), bytes(size));
  part(row, "size").title = `${count(size)} bytes`;
  setText(part(row, "age"), ago(stored, Date.now()));
  part(row, "age").title = `Stored ${instant(stored)}, last used ${instant(lastUsed)}`;
  setText(part(row, "uses"), count(hits));
  setText(part(row, "fresh"), freshness(freshForSeconds));
}

/**
 * @param {number | null} seconds
 * @returns {string}
 */
function freshness(seconds) {
  if (seconds === null) return "for ever";
  return seconds > 0 ? `for ${span(seconds)}` : "to be checked";
}

/** @param {string | null} upstream */
function by(upstream) {
  return upstream === null ? "" : ` (${upstream})`;
}

/**
 * A name with its escapes read, where they can be.
 *
 * @param {string} text
 * @returns {string}
 */
function shown(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** @param {unknown} error */
function wordsOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/**
 * @param {string} id
 * @param {boolean} isEnabled
 */
function enable(id, isEnabled) {
  const button = byId(id);
  if (button instanceof HTMLButtonElement) button.disabled = !isEnabled;
}
