// @ts-check
/// <reference lib="dom" />
import { byId, keepInLine, make, part, setShare, setText } from "./dom.js";
import { bytes, count, counted, milliseconds, NOTHING, percent, rate, span } from "./format.js";

/** Downloads that are drawn; more are counted. */
const MAX_SHOWN = 50;

/** What each role is called. */
const ROLES = new Map([
  ["race", "race"],
  ["takeover", "took over"],
  ["segment", "segment"],
  ["range", "range"],
]);

/** What each state is called, and how it looks. */
const STATES = new Map([
  ["asked", ["asked", "wait"]],
  ["receiving", ["receiving", "good"]],
  ["won", ["won", "good"]],
  ["lost", ["lost the race", "idle"]],
  ["failed", ["failed", "bad"]],
  ["done", ["done", "good"]],
]);

/**
 * What is being downloaded now.
 *
 * @param {any[]} downloads
 * @param {boolean} isLive Whether they come as events.
 */
export function showDownloads(downloads, isLive) {
  setText(byId("downloads-count"), count(downloads.length));
  const more = downloads.length - MAX_SHOWN;
  setText(
    byId("downloads-live"),
    more > 0 ? `${count(more)} more are not shown` : isLive ? "live" : "every 2 s",
  );
  byId("downloads-empty").hidden = downloads.length > 0;
  keepInLine(
    byId("downloads"),
    downloads.slice(0, MAX_SHOWN),
    ({ id }) => String(id),
    create,
    update,
  );
}

/** @param {any} download */
function create(download) {
  const { folder, name } = splitPath(download.path);
  const bar = make("div", {
    class: "bar",
    role: "progressbar",
    "aria-label": `Download of ${download.path}`,
    "aria-valuemin": "0",
    "aria-valuemax": "100",
  }, [make("div")]);
  return make("li", { class: "download" }, [
    make("p", { class: "path" }, [
      make("span", { class: "muted" }, [folder]),
      make("strong", {}, [name]),
    ]),
    make("div", { class: "measure" }, [bar, make("span", { class: "share" })]),
    make("p", { class: "facts small muted" }),
    make("ul", { class: "plain contestants small" }),
  ]);
}

/**
 * @param {HTMLElement} element
 * @param {any} download
 */
function update(element, download) {
  const { size, written, joiners, state, contestants } = download;
  const share = size === null || size === 0 ? null : written / size;
  setShare(part(element, "bar"), state === "asking" ? 0 : share);
  setText(part(element, "share"), state === "asking" ? "" : percent(share));
  const perSecond = contestants.reduce(sumOfRates, 0);
  const facts = state === "asking"
    ? ["asking the mirrors"]
    : [size === null ? bytes(written) : `${bytes(written)} of ${bytes(size)}`];
  if (perSecond > 0) facts.push(rate(perSecond));
  if (perSecond > 0 && size !== null) facts.push(`${span((size - written) / perSecond)} left`);
  if (joiners > 0) facts.push(`${counted(joiners, "more client", "more clients")} waiting along`);
  if (state === "passing") facts.push("passed on, not stored");
  setText(part(element, "facts"), facts.join(" · "));
  keepInLine(
    part(element, "contestants"),
    inPlace(contestants),
    ({ upstream, at }) => `${at} ${upstream}`,
    createContestant,
    updateContestant,
  );
}

/**
 * Each mirror where it was: of segments there is a new question every second or so.
 *
 * @param {any[]} contestants
 * @returns {any[]} Each with its number among those of its mirror.
 */
function inPlace(contestants) {
  const numbers = new Map();
  return contestants.map((contestant) => {
    const at = numbers.get(contestant.upstream) ?? 0;
    numbers.set(contestant.upstream, at + 1);
    return { ...contestant, at };
  }).sort((a, b) => a.upstream < b.upstream ? -1 : a.upstream > b.upstream ? 1 : a.at - b.at);
}

/**
 * @param {number} sum
 * @param {any} contestant
 */
function sumOfRates(sum, { state, bytesPerSecond }) {
  return state === "receiving" || state === "won" ? sum + (bytesPerSecond ?? 0) : sum;
}

function createContestant() {
  return make("li", {}, [
    make("span", { class: "dot" }),
    make("span", { class: "who" }),
    make("span", { class: "how muted" }),
    make("span", { class: "pace number" }),
  ]);
}

/**
 * @param {HTMLElement} element
 * @param {any} contestant
 */
function updateContestant(
  element,
  { upstream, role, state, reason, headMs, bytes: got, bytesPerSecond },
) {
  const [word, look] = STATES.get(state) ?? [state, "idle"];
  element.dataset["state"] = look;
  setText(part(element, "who"), upstream);
  const how = role === "race" ? [word] : [ROLES.get(role) ?? role, word];
  if (reason !== null) how.push(reason);
  else if (headMs !== null) how.push(`answered in ${milliseconds(headMs)}`);
  if (got > 0) how.push(bytes(got));
  setText(part(element, "how"), how.join(" · "));
  setText(part(element, "pace"), bytesPerSecond === null ? NOTHING : rate(bytesPerSecond));
}

/**
 * @param {string} path
 * @returns {{ folder: string, name: string }}
 */
export function splitPath(path) {
  const query = path.indexOf("?");
  const end = query === -1 ? path.length : query;
  // One of a folder has its slash with the name.
  const slash = path.lastIndexOf("/", Math.max(end - 2, 0));
  return { folder: path.slice(0, slash + 1), name: path.slice(slash + 1) };
}
