import { assertEquals, assertStringIncludes } from "@std/assert";
import { statusAnswer } from "../support/answers.ts";
import { Origin } from "../support/origin.ts";
import { TestProxy } from "../support/test_proxy.ts";

Deno.test("the level is told, changed to one of the known ones, and nothing else is taken", async () => {
  await using origin = new Origin(statusAnswer(404));
  const config = { log: { level: "warn" } };
  await using proxy = await TestProxy.start({ upstreams: [origin.url], config });
  const url = `${proxy.adminUrl}/log-level`;
  const level = async (): Promise<unknown> => (await (await fetch(url)).json()).level;
  assertEquals(await level(), "warn");
  const rows: [body: string, status: number, level: string][] = [
    ['{"level":"debug"}', 200, "debug"],
    ['{"level":"loud"}', 400, "debug"],
    ['{"level":["info"]}', 400, "debug"],
    ['{"level":"info","for":"1h"}', 400, "debug"],
    ['{"toString":"info"}', 400, "debug"],
    ['"info"', 400, "debug"],
    ["null", 400, "debug"],
    ["", 400, "debug"],
    [`{"level":"info"${" ".repeat(2000)}}`, 400, "debug"],
    ['{"level":"trace"}', 200, "trace"],
  ];
  for (const [body, status, after] of rows) {
    const headers = { "x-cache-proxy": "1" };
    const response = await fetch(url, { method: "PUT", headers, body });
    const answer = await response.json();
    assertEquals([response.status, await level()], [status, after], body);
    if (status === 200) assertEquals(answer, { level: after });
    else assertStringIncludes(answer.error, "trace, debug, info, warn, error");
  }
  const unmeant = await fetch(url, { method: "PUT", body: '{"level":"error"}' });
  await unmeant.body?.cancel();
  assertEquals([unmeant.status, await level()], [403, "trace"]);
});
