import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Counters } from "../../src/fill/counters.ts";
import { fileAnswer, statusAnswer } from "../support/answers.ts";
import { randomBytes } from "../support/body.ts";
import { FaultyDisk, FaultyDiskProxy } from "../support/faulty_disk.ts";
import { GatedBody } from "../support/gated_body.ts";
import { Origin } from "../support/origin.ts";
import { TestProxy } from "../support/test_proxy.ts";

const MIB = 1024 * 1024;

// deno-lint-ignore no-explicit-any
async function statusOf(proxy: TestProxy): Promise<any> {
  const response = await fetch(`${proxy.adminUrl}/status`);
  assertEquals(response.status, 200);
  return await response.json();
}

Deno.test("the status agrees with what clients got and mirrors gave", async () => {
  await using good = new Origin(fileAnswer("hello"));
  await using idle = new Origin(fileAnswer("hello"));
  const upstreams = [
    { server: good.url, name: "good" },
    { server: idle.url, name: "idle", "priority-groups": [{ match: "", priority: -1 }] },
  ];
  const config = { cache: { "max-size": "1MiB", "min-free": 0 } };
  await using proxy = await TestProxy.start({ upstreams, config });
  const fresh = await statusOf(proxy);
  assertEquals([fresh.requests.total, fresh.requests.hitRatio], [0, null]);
  for (let count = 0; count < 4; count++) {
    await proxy.get("/file");
    await proxy.settled();
  }
  const status = await statusOf(proxy);
  const { startedAt, now, cache, ...rest } = status;
  assert(Date.parse(startedAt) <= Date.parse(now));
  assert(cache.freeBytes > 0);
  assertEquals({ ...cache, freeBytes: 0 }, {
    bytes: 4096,
    entries: 1,
    maxBytes: MIB,
    freeBytes: 0,
    evictions: 0,
  });
  const byResult = { HIT: 3, MISS: 1, JOINED: 0, REVALIDATED: 0, STALE: 0, BYPASS: 0, NONE: 0 };
  const [{ headMs }] = rest.upstreams;
  assert(headMs >= 0);
  const unused = {
    state: "closed",
    leftOut: false,
    asked: 0,
    won: 0,
    lost: 0,
    failed: {},
    headMs: null,
    bytesPerSecond: null,
    bytesReceived: 0,
    bytesWasted: 0,
    lastFailure: null,
  };
  assertEquals(rest, {
    version: "0.0.0",
    offline: false,
    ready: true,
    problems: [],
    listen: proxy.url,
    requests: { total: 4, byResult, hitRatio: 0.75, byteHitRatio: 0.75 },
    bytes: { toClients: 20, fromUpstreams: 5, wasted: 0, saved: 15 },
    downloads: [],
    upstreams: [
      { name: "good", url: good.url, ...unused, asked: 1, won: 1, headMs, bytesReceived: 5 },
      { name: "idle", url: idle.url, ...unused },
    ],
    problemsSeen: [],
  });
});

Deno.test("a mirror's failure is shown with its reason, and with what to do", async () => {
  await using origin = new Origin(statusAnswer(500));
  const upstreams = [{ server: origin.url, name: "toy" }];
  await using proxy = await TestProxy.start({ upstreams });
  for (let count = 0; count < 5; count++) await proxy.get(`/${count}`);
  const { ready, problems, upstreams: [toy], problemsSeen } = await statusOf(proxy);
  assertEquals([ready, problems], [false, ["Every upstream fails and is left out: toy"]]);
  assertEquals([toy.state, toy.leftOut, toy.failed], ["open", true, { status: 5 }]);
  assertEquals(toy.lastFailure.reason, "answered 500");
  assert(Date.parse(toy.lastFailure.at) <= Date.now());
  const [failed, leftOut] = problemsSeen;
  assertEquals(Object.keys(failed).sort(), [
    "advice",
    "at",
    "count",
    "level",
    "message",
    "path",
    "upstream",
  ]);
  assertEquals([failed.count, failed.path, failed.upstream], [5, "/4", "toy"]);
  assertEquals([leftOut.level, leftOut.path, leftOut.upstream], ["warn", null, "toy"]);
  assertStringIncludes(leftOut.advice, "trouble of its own");
});

Deno.test("a download under way is shown as clients and mirrors see it", async () => {
  const body = new GatedBody([randomBytes(MIB), randomBytes(MIB)]);
  const headers = { "content-length": String(2 * MIB) };
  await using origin = new Origin(() => new Response(body.stream, { headers }));
  const upstreams = [{ server: origin.url, name: "toy" }];
  await using proxy = await TestProxy.start({ upstreams });
  const response = await proxy.fetch("/x.iso");
  while ((await statusOf(proxy)).downloads[0]?.written < MIB);
  const { downloads: [download] } = await statusOf(proxy);
  const { id, startedAt, contestants: [contestant], ...rest } = download;
  assert(id > 0 && Date.parse(startedAt) <= Date.now());
  assertEquals(rest, { path: "/x.iso", size: 2 * MIB, written: MIB, joiners: 0, state: "filling" });
  const { headMs, bytesPerSecond, ...known } = contestant;
  assert(headMs >= 0 && (bytesPerSecond === null || bytesPerSecond >= 0));
  assertEquals(known, {
    upstream: "toy",
    role: "race",
    state: "won",
    reason: null,
    bytes: MIB,
  });
  body.release();
  await response.bytes();
  await proxy.settled();
  assertEquals((await statusOf(proxy)).downloads, []);
});

Deno.test("what was only given up is no failure of a mirror", () => {
  const counters = new Counters();
  counters.failure({ kind: "timeout", afterMs: 1 }, 1);
  counters.failure({ kind: "aborted" }, 2);
  const { failed, lastFailure } = counters.snapshot({ state: "closed", standing: "usual" });
  assertEquals(failed, { timeout: 1 });
  assertEquals(lastFailure?.at, 1);
});

Deno.test("a stored file that cannot be read is a problem with advice", async () => {
  await using origin = new Origin(fileAnswer("hello"));
  const disk = new FaultyDisk();
  await using proxy = await FaultyDiskProxy.start(disk, [origin.url]);
  await (await proxy.fetch("/file")).bytes();
  await proxy.flights.drained();
  assertEquals(proxy.activity.problems(), []);
  disk.canRead = false;
  assertEquals(await (await proxy.fetch("/file")).text(), "hello", "a mirror gives it");
  const [problem, ...others] = proxy.activity.problems();
  assertEquals(others, []);
  assertEquals([problem?.level, problem?.path, problem?.upstream], ["error", "/file", null]);
  assertStringIncludes(problem?.message ?? "", "Cannot read what is stored of /file: ");
  assertStringIncludes(problem?.advice ?? "", "the data directory's disk and rights");
});
