import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { stringify } from "@std/yaml";
import { tempDir } from "../support/temp_dir.ts";
import { isInstalled } from "../tools/is_installed.ts";
import { queriesOf, readDashboard } from "./grafana.ts";
import { codeBlocks, projectPath, readProject } from "./pages.ts";

const ignore = !await isInstalled("promtool", "--version");
if (ignore) {
  Deno.stderr.writeSync(
    new TextEncoder().encode("Skipped: no promtool here, alerts and queries\n"),
  );
}

async function promtool(...args: string[]): Promise<{ code: number; text: string }> {
  const { code, stdout, stderr } = await new Deno.Command("promtool", { args }).output();
  const decoder = new TextDecoder();
  return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
}

/** Has promtool read queries, each as a rule that records it. */
async function checkQueries(queries: readonly string[]): Promise<{ code: number; text: string }> {
  await using folder = await tempDir();
  const rules = queries.map((expr, number) => ({ record: `query_${number}`, expr }));
  const file = join(folder.path, "rules.yml");
  await Deno.writeTextFile(file, stringify({ groups: [{ name: "queries", rules }] }));
  return await promtool("check", "rules", file);
}

Deno.test({ name: "promtool accepts deploy/prometheus-alerts.yml", ignore }, async () => {
  const { code, text } = await promtool(
    "check",
    "rules",
    projectPath("deploy/prometheus-alerts.yml"),
  );
  assertEquals(code, 0, text);
  assertStringIncludes(text, "SUCCESS: 11 rules found");
});

Deno.test({ name: "the alerts fire when they should, and only then", ignore }, async () => {
  const { code, text } = await promtool("test", "rules", projectPath("tests/docs/alerts.test.yml"));
  assertEquals(code, 0, text);
});

Deno.test({ name: "promtool accepts deploy/prometheus.yml", ignore }, async () => {
  await using folder = await tempDir();
  const token = join(folder.path, "token");
  await Deno.writeTextFile(token, "secret");
  const alerts = projectPath("deploy/prometheus-alerts.yml");
  await Deno.copyFile(alerts, join(folder.path, "prometheus-alerts.yml"));
  const config = (await readProject("deploy/prometheus.yml"))
    .replace("/etc/prometheus/cache-proxy.token", () => token);
  await Deno.writeTextFile(join(folder.path, "prometheus.yml"), config);
  const { code, text } = await promtool("check", "config", join(folder.path, "prometheus.yml"));
  assertEquals(code, 0, text);
});

Deno.test(
  { name: "promtool reads every query of the dashboard and of monitoring.md", ignore },
  async () => {
    const blocks = codeBlocks(await readProject("docs/monitoring.md"));
    const examples = blocks.filter(({ language }) => language === "promql")
      // A line that is set in goes on with the query above.
      .flatMap(({ text }) => text.trim().split(/\n(?! )/));
    assert(examples.length > 2);
    const queries = [...queriesOf(await readDashboard()), ...examples];
    const { code, text } = await checkQueries(queries);
    assertEquals(code, 0, text);
    assertEquals((await checkQueries([...queries, "sum(rate(x)"])).code, 1);
  },
);
