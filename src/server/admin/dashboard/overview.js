// @ts-check
/// <reference lib="dom" />
import { byId, setShare, setText } from "./dom.js";
import { bytes, count, counted, digits, NOTHING, percent, span } from "./format.js";

/** Over how long the rate of requests is taken, in milliseconds. */
const RATE_OVER_MS = 10_000;

/** @type {{ at: number, total: number }[]} The totals of the last seconds, the oldest first. */
let samples = [];

/**
 * The figures at the top.
 *
 * @param {any} status
 */
export function showOverview(status) {
  const { requests, bytes: moved, cache } = status;
  const upFor = span((Date.parse(status.now) - Date.parse(status.startedAt)) / 1000);
  setText(byId("version"), status.version);
  setText(byId("about"), `${status.listen} · up for ${upFor}`);
  showHealth(status);

  const perSecond = rateOf(Date.parse(status.now), requests.total);
  setText(byId("rate"), perSecond === null ? NOTHING : digits(perSecond));
  setText(byId("rate-more"), `${counted(requests.total, "request", "requests")} since the start`);

  setText(byId("hits"), percent(requests.hitRatio));
  setShare(byId("hits-meter"), requests.hitRatio ?? 0);
  setText(
    byId("hits-more"),
    requests.hitRatio === null
      ? "No requests yet"
      : `by count · ${percent(requests.byteHitRatio)} by bytes`,
  );

  setText(byId("saved"), bytes(moved.saved));
  setText(
    byId("saved-more"),
    `${bytes(moved.toClients)} to clients, ${bytes(moved.fromUpstreams)} from mirrors`,
  );

  setText(byId("fill"), bytes(cache.bytes));
  showFill(cache);
}

/** @param {any} cache */
function showFill(cache) {
  // Without a limit the disk is one.
  const room = cache.maxBytes ?? (cache.freeBytes === null ? null : cache.bytes + cache.freeBytes);
  const share = room === null || room === 0 ? null : cache.bytes / room;
  const meter = byId("fill-meter");
  meter.style.visibility = share === null ? "hidden" : "visible";
  setShare(meter, share ?? 0);
  meter.dataset["level"] = share !== null && share > 0.97 && cache.maxBytes === null ? "high" : "";
  const files = counted(cache.entries, "file", "files");
  const limit = cache.maxBytes === null
    ? cache.freeBytes === null ? "no limit" : `${bytes(cache.freeBytes)} free on disk`
    : `${percent(share)} of ${bytes(cache.maxBytes)}`;
  const evicted = cache.evictions === 0 ? "" : ` · ${count(cache.evictions)} evicted`;
  setText(byId("fill-more"), `${files} · ${limit}${evicted}`);
}

/** @param {any} status */
function showHealth(status) {
  const left = status.upstreams.filter((/** @type {any} */ it) => it.leftOut).length;
  if (!status.ready) return setHealth("bad", "Not ready");
  if (status.offline) return setHealth("warn", "Offline: only what is cached");
  if (left > 0) return setHealth("warn", `${counted(left, "mirror", "mirrors")} left out`);
  setHealth("good", "All is well");
}

/**
 * The pill at the top.
 *
 * @param {"good" | "warn" | "bad" | "wait"} state
 * @param {string} text
 */
export function setHealth(state, text) {
  byId("health").dataset["state"] = state;
  setText(byId("health-text"), text);
}

/**
 * @param {number} at
 * @param {number} total
 * @returns {number | null}
 */
function rateOf(at, total) {
  const last = samples.at(-1);
  // The proxy was started again.
  if (last !== undefined && (total < last.total || at < last.at)) samples = [];
  samples.push({ at, total });
  while (samples.length > 2 && at - (samples[1]?.at ?? at) >= RATE_OVER_MS) samples.shift();
  const first = samples[0];
  if (first === undefined || at === first.at) return null;
  return (total - first.total) / ((at - first.at) / 1000);
}
