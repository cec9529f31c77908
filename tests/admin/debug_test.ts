import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { statusAnswer } from "../support/answers.ts";
import { Origin } from "../support/origin.ts";
import { TestProxy } from "../support/test_proxy.ts";

const PROFILE = "/debug/cpu-profile";
const SNAPSHOT = "/debug/heap-snapshot";

async function startDebugged(origin: Origin): Promise<TestProxy> {
  return await TestProxy.start({
    upstreams: [origin.url],
    config: { admin: { port: 0, debug: true } },
  });
}

async function statusOf(url: string): Promise<number> {
  const response = await fetch(url);
  await response.body?.cancel();
  return response.status;
}

/** Makes work that a profile has to show. */
function workHard(ms: number): number {
  let sum = 0;
  for (const end = performance.now() + ms; performance.now() < end;) sum += Math.sqrt(sum + 1);
  return sum;
}

Deno.test("a CPU profile shows which function was busy; there is one at a time", async () => {
  await using origin = new Origin(statusAnswer(404));
  await using proxy = await startDebugged(origin);
  const url = `${proxy.adminUrl}${PROFILE}?seconds=1`;
  const begun = performance.now();
  const first = fetch(url);
  const tried: number[] = [];
  // The answers come only once the profile has ended, or because it has begun.
  const second = fetch(url);
  const earlier = await Promise.race([first, second]);
  tried.push(earlier.status);
  assertEquals(tried, [409]);
  await earlier.body?.cancel();
  assertEquals(await statusOf(proxy.adminUrl + SNAPSHOT), 409, "nor a snapshot meanwhile");
  workHard(200);
  const responses = await Promise.all([first, second]);
  const taken = responses.find(({ status }) => status === 200);
  assert(taken !== undefined);
  assertMatch(
    taken.headers.get("content-disposition") ?? "",
    /^attachment; filename="cache-proxy-\d+\.cpuprofile"$/,
  );
  const profile = await taken.json();
  assert(performance.now() - begun >= 1_000);
  assert(profile.endTime - profile.startTime >= 1_000_000, "microseconds");
  assertEquals(profile.samples.length, profile.timeDeltas.length);
  interface Node {
    readonly id: number;
    readonly callFrame: { readonly functionName: string };
  }
  const busy = profile.nodes.find(({ callFrame }: Node) => callFrame.functionName === "workHard");
  const hits = profile.samples.filter((id: number) => id === busy?.id).length;
  assert(hits > 0, `workHard was seen ${hits} times`);
});

Deno.test("a profile of no whole number of seconds from 1 to 60 is refused", async () => {
  await using origin = new Origin(statusAnswer(404));
  await using proxy = await startDebugged(origin);
  for (const seconds of ["0", "61", "-1", "1.5", "1e1", "", "x"]) {
    assertEquals(await statusOf(`${proxy.adminUrl}${PROFILE}?seconds=${seconds}`), 400, seconds);
  }
});

Deno.test("who leaves ends the profile, and the next one can have one", async () => {
  await using origin = new Origin(statusAnswer(404));
  await using proxy = await startDebugged(origin);
  const leaving = new AbortController();
  const begun = performance.now();
  const long = fetch(`${proxy.adminUrl}${PROFILE}?seconds=60`, { signal: leaving.signal });
  const gone = long.then(() => false, () => true);
  while (await statusOf(proxy.adminUrl + SNAPSHOT) !== 409);
  leaving.abort();
  assertEquals(await gone, true);
  while (await statusOf(`${proxy.adminUrl}${PROFILE}?seconds=1`) === 409);
  assert(performance.now() - begun < 30_000);
});

Deno.test("a heap snapshot has what is in memory", async () => {
  await using origin = new Origin(statusAnswer(404));
  await using proxy = await startDebugged(origin);
  class SeenInTheSnapshot {}
  const kept = new SeenInTheSnapshot();
  const response = await fetch(proxy.adminUrl + SNAPSHOT);
  assertEquals(response.status, 200);
  assertEquals(response.headers.get("cache-control"), "no-store");
  assertMatch(response.headers.get("content-disposition") ?? "", /\.heapsnapshot"$/);
  const text = await response.text();
  const { snapshot, nodes } = JSON.parse(text);
  assertEquals(nodes.length, snapshot.node_count * snapshot.meta.node_fields.length);
  assertStringIncludes(text, kept.constructor.name);
});

Deno.test("without admin.debug there is neither, and a config that is applied turns them on", async () => {
  await using origin = new Origin(statusAnswer(404));
  const upstreams = [origin.url];
  await using proxy = await TestProxy.start({ upstreams });
  for (const path of [PROFILE, SNAPSHOT]) {
    assertEquals(await statusOf(proxy.adminUrl + path), 404, path);
  }
  proxy.reload({ upstreams, config: { admin: { port: 0, debug: true } } });
  assertEquals(await statusOf(`${proxy.adminUrl}${PROFILE}?seconds=0`), 400);
  proxy.reload({ upstreams });
  assertEquals(await statusOf(proxy.adminUrl + SNAPSHOT), 404);
});
