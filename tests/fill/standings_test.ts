import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { loadConfig } from "../../src/config/load_config.ts";
import { FAILURES_TO_OPEN } from "../../src/fill/breaker.ts";
import { startProxy } from "../../src/main/proxy.ts";
import { fileAnswer, statusAnswer } from "../support/answers.ts";
import { assertSameBytes, bytesOf, HandFedBody, randomBytes } from "../support/body.ts";
import { NOON } from "../support/facts.ts";
import { settle } from "../support/gate.ts";
import { GatedBody } from "../support/gated_body.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { Origin, RawOrigin } from "../support/origin.ts";
import { rangeMirror } from "../support/range_mirror.ts";
import { tempDir } from "../support/temp_dir.ts";
import { configText, TestProxy } from "../support/test_proxy.ts";

/** How often scores are written. */
const SAVE_EVERY_MS = 5 * 60_000;

function named(origins: readonly { readonly url: string }[]) {
  return origins.map(({ url }, at) => ({ server: url, name: `m${at}` }));
}

/** Ten mirrors behind a proxy; the test says how they answer. */
async function tenMirrors(dataDir: string) {
  const stack = new AsyncDisposableStack();
  const clock = new ManualClock(NOON);
  const origins = Array.from({ length: 10 }, () => stack.use(new Origin(fileAnswer("hello"))));
  const proxy = stack.use(await TestProxy.start({ upstreams: named(origins), clock, dataDir }));
  return { proxy, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

function savedIn(dataDir: string): string {
  return join(dataDir, ".cache-proxy/scores.json");
}

/** Scores by which one of ten mirrors is far ahead. */
function scoresOfTen(best: string): Record<string, unknown> {
  const score = { headDeviationMs: 0, heads: 10, bytesPerSecond: null, failureShare: 0 };
  const names = Array.from({ length: 10 }, (_, at) => `m${at}`);
  return Object.fromEntries(names.map((it) => [it, { ...score, headMs: it === best ? 50 : 900 }]));
}

Deno.test("ten mirrors: three are asked, the winner's counters and the losers' say so", async () => {
  await using dir = await tempDir();
  await using held = await tenMirrors(dir.path);
  await held.proxy.get("/x");
  await held.proxy.settled();
  const { counters } = held.proxy;
  assertEquals(Object.keys(counters), ["m0", "m1", "m2"]);
  const sumOf = (name: "asked" | "won" | "lost"): number =>
    Object.values(counters).reduce((sum, it) => sum + it[name], 0);
  assertEquals([sumOf("asked"), sumOf("won"), sumOf("lost")], [3, 1, 2]);
});

Deno.test("scores are kept across a restart: who was far ahead is asked alone", async () => {
  await using dir = await tempDir();
  {
    await using held = await tenMirrors(dir.path);
    await held.proxy.get("/x");
    await held.proxy.settled();
  }
  const saved = JSON.parse(Deno.readTextFileSync(savedIn(dir.path)));
  assert(Object.keys(saved).length >= 1 && Object.keys(saved).length <= 3);
  Deno.writeTextFileSync(savedIn(dir.path), JSON.stringify(scoresOfTen("m6")));
  await using held = await tenMirrors(dir.path);
  await held.proxy.get("/y");
  await held.proxy.settled();
  assertEquals(Object.keys(held.proxy.counters), ["m6"]);
});

Deno.test("scores that cannot be read begin afresh", async () => {
  for (const text of ["{", "[]", `{"m0": {"headMs": "fast"}}`]) {
    await using dir = await tempDir();
    Deno.mkdirSync(join(dir.path, ".cache-proxy"), { recursive: true });
    Deno.writeTextFileSync(savedIn(dir.path), text);
    await using held = await tenMirrors(dir.path);
    assertEquals((await held.proxy.get("/x")).text, "hello");
    assertEquals(Object.keys(held.proxy.counters), ["m0", "m1", "m2"]);
  }
});

Deno.test("scores of mirrors that are gone are dropped; changes are written every few minutes", async () => {
  await using dir = await tempDir();
  Deno.mkdirSync(join(dir.path, ".cache-proxy"), { recursive: true });
  Deno.writeTextFileSync(savedIn(dir.path), JSON.stringify(scoresOfTen("m0")));
  const clock = new ManualClock(NOON);
  await using origin = new Origin(fileAnswer("hello"));
  const upstreams = named([origin]);
  await using proxy = await TestProxy.start({ upstreams, clock, dataDir: dir.path });
  const before = Deno.readTextFileSync(savedIn(dir.path));
  await proxy.get("/x");
  await proxy.settled();
  clock.advance(SAVE_EVERY_MS - 1);
  await settle();
  assertEquals(Deno.readTextFileSync(savedIn(dir.path)), before);
  clock.advance(1);
  while (Deno.readTextFileSync(savedIn(dir.path)) === before) await settle();
  assertEquals(Object.keys(JSON.parse(Deno.readTextFileSync(savedIn(dir.path)))), ["m0"]);
});

Deno.test("a race by bandwidth wastes at most the first chunk of each loser, and counts it", async () => {
  const firstChunkBytes = 100_000;
  const all = randomBytes(400_000);
  const slow = new GatedBody([all.slice(0, 60_000), all.slice(60_000)]);
  await using loser = new Origin(() => new Response(slow.stream));
  await using winner = new Origin(async (seen, request) => {
    while ((proxy.counters["m0"]?.bytesReceived ?? 0) < 60_000) await settle();
    return await fileAnswer(all)(seen, request);
  });
  await using proxy = await TestProxy.start({
    upstreams: named([loser, winner]),
    config: { misc: { "first-chunk-bytes": firstChunkBytes } },
  });
  assertSameBytes(await (await proxy.fetch("/x")).bytes(), all);
  await proxy.settled();
  const { m0, m1 } = proxy.counters;
  assertEquals([m0?.lost, m0?.bytesWasted, m0?.bytesReceived], [1, 60_000, 60_000]);
  assertEquals([m1?.won, m1?.bytesWasted, m1?.bytesReceived], [1, 0, all.byteLength]);
});

Deno.test("a mirror that is down is left out after some failures, one that says 404 is not", async () => {
  await using down = new RawOrigin(() => {}, { resets: true });
  await using missing = new Origin(statusAnswer(404));
  const failures = (name: string): number =>
    Object.values(proxy.counters[name]?.failed ?? {}).reduce((sum, count) => sum + count, 0);
  let asked = 0;
  await using good = new Origin(async () => {
    // The others have failed by then.
    asked++;
    while (failures("m0") < Math.min(asked, FAILURES_TO_OPEN)) await settle();
    while (failures("m1") < asked) await settle();
    return new Response("good");
  });
  const upstreams = named([down, missing, good]);
  await using proxy = await TestProxy.start({ upstreams, clock: new ManualClock(NOON) });
  for (let n = 0; n < FAILURES_TO_OPEN * 3; n++) {
    assertEquals((await proxy.get(`/${n}`)).text, "good");
  }
  const { m0, m1 } = proxy.counters;
  assertEquals([m0?.breaker, m1?.breaker], ["open", "closed"]);
  assertEquals([m0?.asked, m1?.asked], [FAILURES_TO_OPEN, FAILURES_TO_OPEN * 3]);
});

Deno.test("a takeover is counted for both, and why it was", async () => {
  const all = randomBytes(1024 * 1024);
  const dated = { lastModified: NOON };
  await using bad = new Origin(rangeMirror(all, { ...dated, breakAt: 400_000 }));
  await using good = new Origin(rangeMirror(all, dated));
  const [first, next] = named([bad, good]);
  await using proxy = await TestProxy.start({
    upstreams: [{ ...first, "priority-groups": [{ match: "", priority: 1 }] }, { ...next }],
  });
  assertSameBytes(await (await proxy.fetch("/x.iso")).bytes(), all);
  await proxy.settled();
  const { m0, m1 } = proxy.counters;
  assertEquals([m0?.takeoversFrom, m0?.takeoversTo, m0?.failed], [1, 0, { "short-body": 1 }]);
  assertEquals([m1?.takeoversFrom, m1?.takeoversTo, m1?.failed], [0, 1, {}]);
});

Deno.test("a trickling mirror is left for another one; without another one it goes on", async () => {
  const all = bytesOf("x".repeat(200_000));
  const headers = {
    "last-modified": new Date(NOON).toUTCString(),
    "content-length": String(all.byteLength),
  };
  for (const hasOther of [true, false]) {
    const clock = new ManualClock(NOON);
    const body = new HandFedBody();
    body.give(all.slice(0, 100_000));
    await using slow = new Origin(() => new Response(body.stream, { headers }));
    await using other = new Origin(rangeMirror(all, { lastModified: NOON }));
    const [first, next] = named([slow, other]);
    const upstreams = [{ ...first, "priority-groups": [{ match: "", priority: 1 }] }, { ...next }];
    await using proxy = await TestProxy.start({
      upstreams: hasOther ? upstreams : upstreams.slice(0, 1),
      clock,
    });
    const reading = proxy.fetch("/x.iso").then((it) => it.bytes());
    let given = 100_000;
    while ((proxy.counters["m0"]?.bytesReceived ?? 0) < given) await settle();
    for (let second = 0; second < 40 && other.seen.length === 0; second++) {
      clock.advance(1_000);
      await settle();
      if (body.cancelled) break;
      body.give(all.slice(given, given + 100));
      given += 100;
    }
    if (!hasOther) {
      body.give(all.slice(given));
      body.end();
    }
    assertSameBytes(await reading, all);
    await proxy.settled();
    assertEquals(proxy.counters["m0"]?.failed, hasOther ? { slow: 1 } : {});
    assertEquals(proxy.counters["m1"]?.takeoversTo ?? 0, hasOther ? 1 : 0);
  }
});

Deno.test("what is known of the mirrors outlives a reload, but for those that are gone", async () => {
  await using one = new Origin(fileAnswer("hello"));
  await using two = new Origin(fileAnswer("hello"));
  await using dir = await tempDir();
  const configOf = (origins: readonly Origin[]) =>
    loadConfig(configText({ upstreams: named(origins) }, dir.path), () => undefined).config;
  const options = { version: "0.0.0", clock: new ManualClock(NOON) };
  const proxy = await startProxy(configOf([one, two]), options);
  try {
    const get = async (path: string) =>
      await (await fetch(`http://127.0.0.1:${proxy.address.port}${path}`)).text();
    await get("/x");
    proxy.reload(configOf([one, two]));
    await get("/y");
    assertEquals([proxy.counters["m0"]?.asked, proxy.counters["m1"]?.asked], [2, 2]);
    proxy.reload(configOf([one]));
    await get("/z");
    assertEquals(Object.entries(proxy.counters).map(([name, it]) => [name, it.asked]), [["m0", 3]]);
  } finally {
    await proxy.stop(0, AbortSignal.abort());
  }
});
