// @ts-check
/// <reference lib="dom" />
import { byId, keepInLine, make, part, setText } from "./dom.js";
import { ago, bytes, count, instant, milliseconds, NOTHING, percent, rate } from "./format.js";

/** What is counted as failed and is no fault of a mirror: we had no use for the rest. */
const NO_ERRORS = new Set(["aborted"]);

/**
 * The mirrors, in the order of the config.
 *
 * @param {any[]} upstreams
 * @param {number} now Milliseconds since the epoch.
 */
export function showMirrors(upstreams, now) {
  setText(byId("mirrors-count"), count(upstreams.length));
  keepInLine(
    byId("mirrors"),
    upstreams,
    ({ name }) => name,
    create,
    (row, upstream) => update(row, upstream, now),
  );
}

function create() {
  const cell = (/** @type {string} */ name, /** @type {string} */ label, look = "") =>
    make("td", { class: `${name} ${look}`.trim(), "data-label": label });
  return make("tr", {}, [
    make("th", { scope: "row" }, [
      make("span", { class: "name" }),
      make("span", { class: "url muted small" }),
    ]),
    make("td", { "data-label": "State" }, [
      make("span", { class: "badge" }, [
        make("span", { class: "dot" }),
        make("span", { class: "state" }),
      ]),
    ]),
    cell("wins", "Wins", "number"),
    cell("latency", "Latency", "number"),
    cell("throughput", "Throughput", "number"),
    cell("received", "Received", "number"),
    cell("errors", "Errors", "number"),
    cell("reason", "Last reason"),
  ]);
}

/**
 * @param {HTMLElement} row
 * @param {any} upstream
 * @param {number} now
 */
function update(row, upstream, now) {
  const { asked, won, failed, lastFailure, bytesWasted } = upstream;
  const [look, word] = stateOf(upstream);
  part(row, "badge").dataset["state"] = look;
  setText(part(row, "state"), word);
  setText(part(row, "name"), upstream.name);
  setText(part(row, "url"), upstream.url);
  setText(part(row, "wins"), asked === 0 ? NOTHING : `${count(won)} of ${count(asked)}`);
  part(row, "wins").title = asked === 0 ? "" : percent(won / asked);
  setText(part(row, "latency"), milliseconds(upstream.headMs));
  setText(part(row, "throughput"), rate(upstream.bytesPerSecond));
  setText(part(row, "received"), bytes(upstream.bytesReceived));
  part(row, "received").title = `${bytes(bytesWasted)} of it came in vain: another mirror won`;
  /** @type {[string, number][]} */
  const kinds = Object.entries(failed).filter(([kind]) => !NO_ERRORS.has(kind));
  const errors = kinds.reduce((sum, [, number]) => sum + number, 0);
  setText(part(row, "errors"), count(errors));
  part(row, "errors").title = kinds.map(([kind, number]) => `${kind}: ${count(number)}`).join(", ");
  part(row, "errors").classList.toggle("some", errors > 0);
  setText(
    part(row, "reason"),
    lastFailure === null ? NOTHING : `${lastFailure.reason} · ${ago(lastFailure.at, now)}`,
  );
  part(row, "reason").title = lastFailure === null ? "" : instant(lastFailure.at);
}

/**
 * @param {any} upstream
 * @returns {[look: string, word: string]}
 */
function stateOf({ state, leftOut, asked }) {
  if (leftOut || state === "open") return ["bad", leftOut ? "left out" : "to be tried"];
  if (state === "half-open") return ["warn", "being tried"];
  return asked === 0 ? ["idle", "not asked yet"] : ["good", "in use"];
}
