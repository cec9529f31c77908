// @ts-check
/// <reference lib="dom" />
import { byId, keepInLine, make, part, setText } from "./dom.js";
import { ago, count, instant } from "./format.js";

/** Shown at first. */
const FEW = 5;

let showsAll = false;

/**
 * The last errors, the newest first, each with what to do.
 *
 * @param {any[]} problems
 * @param {number} now Milliseconds since the epoch.
 */
export function showProblems(problems, now) {
  setText(byId("problems-count"), count(problems.length));
  byId("problems-empty").hidden = problems.length > 0;
  const more = byId("problems-more");
  more.hidden = problems.length <= FEW;
  setText(more, showsAll ? "Show fewer" : `Show all ${count(problems.length)}`);
  more.onclick = () => {
    showsAll = !showsAll;
    showProblems(problems, now);
  };
  keepInLine(
    byId("problems"),
    showsAll ? problems : problems.slice(0, FEW),
    ({ level, message }) => `${level} ${message}`,
    create,
    (element, problem) => update(element, problem, now),
  );
}

function create() {
  return make("li", {}, [
    make("span", { class: "dot" }),
    make("div", {}, [
      make("p", { class: "message" }),
      make("p", { class: "advice small" }),
      make("p", { class: "when muted small" }),
    ]),
  ]);
}

/**
 * @param {HTMLElement} element
 * @param {any} problem
 * @param {number} now
 */
function update(element, { at, level, message, advice, count: seen }, now) {
  element.dataset["state"] = level === "error" ? "bad" : "warn";
  setText(part(element, "message"), message);
  part(element, "advice").hidden = advice === null;
  setText(part(element, "advice"), advice ?? "");
  const often = seen > 1 ? ` · seen ${count(seen)} times` : "";
  setText(part(element, "when"), ago(at, now) + often);
  part(element, "when").title = instant(at);
}
