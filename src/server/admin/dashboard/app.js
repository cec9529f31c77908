// @ts-check
/// <reference lib="dom" />
import { Catalog } from "./catalog.js";
import { byId, setText } from "./dom.js";
import { showDownloads } from "./downloads.js";
import { Live } from "./live.js";
import { showMirrors } from "./mirrors.js";
import { setHealth, showOverview } from "./overview.js";
import { Plots } from "./plots.js";
import { Prefetch } from "./prefetch.js";
import { showProblems } from "./problems.js";

const catalog = new Catalog();
new Prefetch(() => void catalog.load());
new Plots();

new Live({
  onStatus(status) {
    const now = Date.parse(status.now);
    showOverview(status);
    showMirrors(status.upstreams, now);
    showProblems(status.problemsSeen, now);
    showBanner(status.problems);
    delete document.documentElement.dataset["loading"];
  },
  onDownloads: showDownloads,
  onFill: ({ path }) => catalog.loadSoonFor(path),
  onConnection(error) {
    document.body.classList.toggle("stale", error !== null);
    if (error === null) return;
    delete document.documentElement.dataset["loading"];
    const isRefused = error.status === 401;
    setHealth("bad", isRefused ? "No access" : "No connection");
    showBanner([
      isRefused
        ? "The token is not accepted any more: load the page again and give the new one."
        : `${error.message}. The figures are the last ones; it is tried again every two seconds.`,
    ]);
  },
});

/** @param {readonly string[]} problems */
function showBanner(problems) {
  const banner = byId("banner");
  banner.hidden = problems.length === 0;
  setText(banner, problems.join(" · "));
}
