import { assert, assertEquals } from "@std/assert";
import { parse } from "@std/yaml";
import { queriesOf, readDashboard } from "./grafana.ts";
import { codeBlocks, codeSpans, firstColumn, OPERATOR_PAGES, readProject } from "./pages.ts";
import { busyProxy, metricsOf } from "./real_metrics.ts";

/** There only when the program may do everything, as the pages say. */
const OPTIONAL: ReadonlySet<string> = new Set(["process_open_fds"]);

/** Labels that Prometheus itself adds. */
const LABELS_OF_PROMETHEUS: readonly string[] = ["instance", "job"];

const SCRAPE = await scrape();
const METRICS = metricsOf(SCRAPE);

const DASHBOARD = await readDashboard();
const ALERTS = (parse(await readProject("deploy/prometheus-alerts.yml")) as {
  groups: { rules: { expr: string }[] }[];
}).groups.flatMap(({ rules }) => rules.map(({ expr }) => expr));
const EXAMPLES = codeBlocks(await readProject("docs/monitoring.md"))
  .filter(({ language }) => language === "promql").map(({ text }) => text);

async function scrape(): Promise<string> {
  await using busy = await busyProxy();
  return await busy.metrics();
}

/** The name without what a histogram's series add to it. */
function baseOf(name: string): string {
  const base = name.replace(/_(?:bucket|sum|count)$/, "");
  return METRICS.has(`${base}_bucket`) ? base : name;
}

function namesIn(text: string): string[] {
  return [...text.matchAll(/\b(?:cache_proxy|process)_[a-z_]+\b/g)].map(([name]) => name);
}

function isKnown(name: string): boolean {
  return METRICS.has(name) || METRICS.has(`${name}_bucket`) || OPTIONAL.has(name);
}

Deno.test("every metric that a page for operators names is one", async () => {
  for (const page of OPERATOR_PAGES) {
    const spans = codeSpans(await readProject(page));
    const names = spans.flatMap(namesIn);
    assertEquals(names.filter((name) => !isKnown(name)), [], page);
  }
});

Deno.test("monitoring.md has every metric, with its labels", async () => {
  const page = await readProject("docs/monitoring.md");
  const listed = new Set(firstColumn(page, "metric").flatMap(codeSpans));
  const missing = [...METRICS.keys()].map(baseOf).filter((name) =>
    !listed.has(name) && !OPTIONAL.has(name)
  );
  assertEquals(missing, []);
  for (const [name, labels] of METRICS) {
    const row = page.split("\n").find((line) => line.startsWith(`| \`${baseOf(name)}\``)) ?? "";
    const told = codeSpans(row.split("|")[2] ?? "");
    const there = [...labels].filter((label) => label !== "le");
    if (OPTIONAL.has(name)) continue;
    assertEquals(told.toSorted(), there.toSorted(), name);
  }
});

for (
  const [what, queries] of [
    ["the Grafana dashboard", queriesOf(DASHBOARD)],
    ["the alerts", ALERTS],
    ["the examples of monitoring.md", EXAMPLES],
  ] as const
) {
  Deno.test(`${what} asks for metrics and labels that there are`, () => {
    assert(queries.length > 2);
    for (const query of queries) {
      const names = namesIn(query);
      // `up` is Prometheus' own.
      assert(names.length > 0 || query.startsWith("up{"), query);
      // A histogram has no series of its own name.
      assertEquals(names.filter((name) => !METRICS.has(name)), [], query);
      for (const [, name = "", selectors = ""] of query.matchAll(/(\w+)\{([^}]*)\}/g)) {
        const known = [...METRICS.get(name) ?? [], ...LABELS_OF_PROMETHEUS];
        const asked = [...selectors.matchAll(/(\w+)\s*(?:=~|!=|=)/g)].map(([, it = ""]) => it);
        assertEquals(asked.filter((label) => !known.includes(label)), [], query);
      }
      for (const [, list = ""] of query.matchAll(/\bby \(([^)]*)\)/g)) {
        const known = [
          ...names.flatMap((it) => [...METRICS.get(it) ?? []]),
          ...LABELS_OF_PROMETHEUS,
        ];
        const asked = list.split(",").map((it) => it.trim());
        assertEquals(asked.filter((label) => !known.includes(label)), [], query);
      }
    }
  });
}

Deno.test("the Grafana dashboard shows every metric", () => {
  const shown = new Set(queriesOf(DASHBOARD).flatMap(namesIn).map(baseOf));
  assertEquals(
    [...METRICS.keys()].map(baseOf).filter((name) => !shown.has(name) && !OPTIONAL.has(name)),
    [],
  );
});

Deno.test("the values of labels that the queries name are those of the metrics", () => {
  const queries = [...queriesOf(DASHBOARD), ...ALERTS, ...EXAMPLES];
  for (const query of queries) {
    for (
      const [, label = "", list = ""] of query.matchAll(
        /\b(result|status|state)(?:=~|!=|=)"([^"]*)"/g,
      )
    ) {
      for (const value of list.split("|")) assert(SCRAPE.includes(`${label}="${value}"`), query);
    }
  }
});

Deno.test("the panels of the Grafana dashboard do not overlap, and each asks for something", () => {
  const { panels, uid } = DASHBOARD;
  assertEquals(uid, "cache-proxy");
  assertEquals(new Set(panels.map(({ id }) => id)).size, panels.length);
  const taken = new Set<string>();
  for (const { title, targets, gridPos: { x, y, w, h } } of panels) {
    assert(x + w <= 24, title);
    assert(targets === undefined || targets.length > 0, title);
    for (let row = y; row < y + h; row++) {
      for (let column = x; column < x + w; column++) {
        const place = `${column},${row}`;
        assert(!taken.has(place), `${title} is on another panel`);
        taken.add(place);
      }
    }
  }
});
