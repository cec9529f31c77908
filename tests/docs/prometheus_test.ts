import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { readLines } from "../support/lines.ts";
import { tempDir } from "../support/temp_dir.ts";
import { isInstalled } from "../tools/is_installed.ts";
import { queriesOf, readDashboard } from "./grafana.ts";
import { projectPath, readProject } from "./pages.ts";
import { busyProxy, TOKEN } from "./real_metrics.ts";

const ignore = !await isInstalled("prometheus", "--version");
if (ignore) {
  Deno.stderr.writeSync(
    new TextEncoder().encode("Skipped: no prometheus here, deploy/prometheus.yml\n"),
  );
}

/** For two scrapes, a second apart, and the start of Prometheus. */
const MAX_WAIT_MS = 30_000;

/** Where queries go. */
const QUERY_PATH = "/api/v1/query?query=";

Deno.test({
  name: "a real Prometheus scrapes by deploy/prometheus.yml, and answers the dashboard",
  ignore,
}, async () => {
  await using busy = await busyProxy();
  await using prometheus = await startPrometheus(new URL(busy.proxy.adminUrl).host);
  const rate = "rate(cache_proxy_requests_total[1m])";
  const deadline = performance.now() + MAX_WAIT_MS;
  while ((await prometheus.query(rate)).length === 0) {
    assert(performance.now() < deadline, "Prometheus has no two scrapes");
  }
  // With the token, under the name that the alerts and the dashboard count on.
  assertEquals(valuesOf(await prometheus.query('up{job="cache-proxy"}')), ["1"]);
  assertEquals(
    valuesOf(await prometheus.query('cache_proxy_requests_total{result="HIT",status="2xx"}')),
    ["1"],
  );
  for (const query of queriesOf(await readDashboard())) {
    assert((await prometheus.query(query)).length > 0, `${query} shows nothing`);
  }
});

interface Prometheus extends AsyncDisposable {
  /** The samples that a query gives now. */
  query(expr: string): Promise<readonly Sample[]>;
}

interface Sample {
  readonly value: readonly [time: number, value: string];
}

function valuesOf(samples: readonly Sample[]): string[] {
  return samples.map(({ value }) => value[1]);
}

/** Runs Prometheus by deploy/prometheus.yml, its target and its times apart. */
async function startPrometheus(target: string): Promise<Prometheus> {
  const folder = await tempDir();
  const config = join(folder.path, "prometheus.yml");
  const token = join(folder.path, "token");
  await Deno.writeTextFile(token, TOKEN);
  await Deno.copyFile(
    projectPath("deploy/prometheus-alerts.yml"),
    join(folder.path, "prometheus-alerts.yml"),
  );
  const text = (await readProject("deploy/prometheus.yml"))
    .replaceAll("_interval: 30s", "_interval: 1s")
    .replace("/etc/prometheus/cache-proxy.token", () => token)
    .replace("localhost:8882", () => target);
  await Deno.writeTextFile(config, text);
  const args = [
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(folder.path, "data")}`,
    "--web.listen-address=127.0.0.1:0",
    "--log.format=json",
  ];
  const child = new Deno.Command("prometheus", { args, stdout: "null", stderr: "piped" }).spawn();
  const lines = readLines(child.stderr)[Symbol.asyncIterator]();
  let address = "";
  while (address === "") {
    const { value, done } = await lines.next();
    assert(!done, "Prometheus has ended");
    address = /"address":"(127\.0\.0\.1:[1-9]\d*)"/.exec(value)?.[1] ?? "";
  }
  const drained = (async () => {
    while (!(await lines.next()).done);
  })();
  return {
    async query(expr) {
      const response = await fetch(`http://${address}${QUERY_PATH}${encodeURIComponent(expr)}`);
      if (response.status === 503) {
        // It is still starting.
        await response.body?.cancel();
        return [];
      }
      const { status, data, error } = await response.json();
      assertEquals(status, "success", `${expr}: ${error}`);
      return data.result;
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await Promise.all([child.status, drained]);
      await folder[Symbol.asyncDispose]();
    },
  };
}
