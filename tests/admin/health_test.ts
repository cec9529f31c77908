import { assertEquals, assertMatch } from "@std/assert";
import { FAILURES_TO_OPEN, MAX_PAUSE_MS } from "../../src/fill/breaker.ts";
import { CHECK_KEPT_MS, readinessProblems } from "../../src/server/admin/readiness.ts";
import { fileAnswer, statusAnswer } from "../support/answers.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { Origin } from "../support/origin.ts";
import { TestProxy } from "../support/test_proxy.ts";

async function readiness(proxy: TestProxy): Promise<{ status: number; problems: string[] }> {
  const response = await fetch(`${proxy.adminUrl}/readyz`);
  const { ready, problems } = await response.json();
  assertEquals(ready, response.status === 200);
  return { status: response.status, problems };
}

Deno.test("a proxy is ready from the start, lives and says what it is", async () => {
  await using origin = new Origin(fileAnswer("hello"));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  assertEquals(await readiness(proxy), { status: 200, problems: [] });
  assertEquals(await (await fetch(`${proxy.adminUrl}/healthz`)).text(), "ok\n");
  const version = await (await fetch(`${proxy.adminUrl}/version`)).json();
  assertEquals(version, { name: "cache-proxy", version: "0.0.0", deno: Deno.version.deno });
  assertEquals(proxy.files(), [], "looking whether the disk takes a file leaves none");
});

Deno.test("when every mirror is left out it is not ready, until one may be tried again", async () => {
  await using bad = new Origin(statusAnswer(500));
  await using good = new Origin(fileAnswer("hello"));
  const clock = new ManualClock();
  const upstreams = [{ server: bad.url, name: "bad", path: { match: "^/bad/" } }];
  await using proxy = await TestProxy.start({ upstreams, clock });
  for (let count = 0; count < FAILURES_TO_OPEN; count++) await proxy.get(`/bad/${count}`);
  const { status, problems } = await readiness(proxy);
  assertEquals(status, 503);
  assertMatch(problems.join(), /^Every upstream fails and is left out: bad$/);
  clock.set(clock.now() + MAX_PAUSE_MS);
  assertEquals((await readiness(proxy)).status, 200, "without requests it would never be tried");
  clock.set(clock.now() - MAX_PAUSE_MS);
  proxy.reload({ upstreams: [...upstreams, { server: good.url, name: "good" }] });
  assertEquals((await readiness(proxy)).status, 200, "one that was not asked yet counts");
});

Deno.test("each thing that is wrong is told", async () => {
  const broken = { check: () => Promise.reject(new Error("Cannot write: no space")) };
  const leftOut = { a: { isLeftOut: true }, b: { isLeftOut: true } };
  const rest = { counters: leftOut, upstreams: ["a", "b"], isOffline: false, isStopping: true };
  assertEquals(await readinessProblems({ storage: broken, ...rest }), [
    "The proxy is shutting down",
    "Cannot write: no space",
    "Every upstream fails and is left out: a, b",
  ]);
  const fine = { check: () => Promise.resolve() };
  const offline = { ...rest, isOffline: true, isStopping: false };
  assertEquals(await readinessProblems({ storage: fine, ...offline }), [], "offline asks nobody");
});

Deno.test("a data directory that takes no file is told", async () => {
  await using origin = new Origin(fileAnswer("hello"));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  // Even the superuser cannot write into what is not there.
  const folder = proxy.file(".cache-proxy/partial");
  await Deno.rename(folder, `${folder}.away`);
  const { status, problems } = await readiness(proxy);
  assertEquals(status, 503);
  assertMatch(problems.join(), /^Cannot write ".*\/partial\/check\./);
  await Deno.rename(`${folder}.away`, folder);
  assertEquals((await readiness(proxy)).status, 200);
});

Deno.test("the status looks at the disk once in five seconds, /readyz each time", async () => {
  await using origin = new Origin(fileAnswer("hello"));
  const clock = new ManualClock();
  await using proxy = await TestProxy.start({ upstreams: [origin.url], clock });
  const isReady = async (): Promise<boolean> =>
    (await (await fetch(`${proxy.adminUrl}/status`)).json()).ready;
  assertEquals(await isReady(), true);
  const folder = proxy.file(".cache-proxy/partial");
  await Deno.rename(folder, `${folder}.away`);
  clock.set(clock.now() + CHECK_KEPT_MS - 1);
  assertEquals([await isReady(), (await readiness(proxy)).status], [true, 503]);
  clock.set(clock.now() + 1);
  assertEquals(await isReady(), false);
  await Deno.rename(`${folder}.away`, folder);
  assertEquals([await isReady(), (await readiness(proxy)).status], [false, 200]);
  clock.set(clock.now() - 1);
  assertEquals(await isReady(), true, "a clock that was set back keeps no old answer");
});
