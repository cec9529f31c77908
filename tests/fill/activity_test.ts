import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { StorageError } from "../../src/errors.ts";
import { Activity } from "../../src/fill/activity.ts";
import type { FillEvent } from "../../src/fill/fill_event.ts";
import { RateMeter } from "../../src/fill/rate_meter.ts";
import { StorageTrouble } from "../../src/fill/storage_trouble.ts";
import { fileAnswer, statusAnswer } from "../support/answers.ts";
import { assertSameBytes, bytesOf, randomBytes, readSome } from "../support/body.ts";
import { NOON } from "../support/facts.ts";
import { Gate, settle } from "../support/gate.ts";
import { GatedBody } from "../support/gated_body.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { Origin } from "../support/origin.ts";
import { PartMirror } from "../support/part_mirror.ts";
import { rangeMirror } from "../support/range_mirror.ts";
import { TestProxy } from "../support/test_proxy.ts";

const MIB = 1024 * 1024;

/** All events from now on. */
function watch(proxy: TestProxy): FillEvent[] {
  const events: FillEvent[] = [];
  proxy.activity.subscribe((event) => events.push(event));
  return events;
}

function of<Kind extends FillEvent["kind"]>(
  events: readonly FillEvent[],
  kind: Kind,
): Extract<FillEvent, { kind: Kind }>[] {
  return events.filter((it): it is Extract<FillEvent, { kind: Kind }> => it.kind === kind);
}

/** Every start has one end, in this order, and refers to what is there. */
function assertPaired(events: readonly FillEvent[]): void {
  for (const what of ["fill", "race", "attempt"] as const) {
    const idsOf = (kind: string): number[] =>
      events.flatMap((it) => it.kind === kind ? [Reflect.get(it, what) as number] : []);
    const [started, ended] = [idsOf(`${what}-started`), idsOf(`${what}-ended`)];
    assertEquals(ended.toSorted((a, b) => a - b), started, `each ${what} ends, once`);
  }
  const fills = new Set(of(events, "fill-started").map(({ fill }) => fill));
  assert(events.every((it) => it.kind === "problem" || fills.has(it.fill)));
}

Deno.test("a race is told from its start to its end, with the reason of everybody", async () => {
  await using none = new Origin(statusAnswer(404));
  await using silent = new Origin(async (_, { signal }) => {
    const gone = new Gate();
    signal.addEventListener("abort", () => gone.open());
    if (!signal.aborted) await gone.opened;
    return new Response(null, { status: 500 });
  });
  await using good = new Origin(fileAnswer("hello"));
  const upstreams = [["none", none], ["silent", silent], ["good", good]] as const;
  await using proxy = await TestProxy.start({
    upstreams: upstreams.map(([name, { url }]) => ({ name, server: url })),
  });
  const events = watch(proxy);
  await proxy.get("/file?x");
  await proxy.settled();
  assertPaired(events);
  const [fill] = of(events, "fill-started");
  assertEquals([fill?.path, fill?.purpose, fill?.method], ["/file?x", "fill", "GET"]);
  const started = of(events, "attempt-started");
  assertEquals(started.map(({ upstream }) => upstream).sort(), ["good", "none", "silent"]);
  assert(started.every(({ role, race }) => role === "race" && race !== null));
  assertEquals(
    started.map(({ url }) => url).sort(),
    [
      `${none.url}/file?x`,
      `${silent.url}/file?x`,
      `${good.url}/file?x`,
    ].sort(),
  );
  const [raced] = of(events, "race-ended");
  assertEquals(raced?.winner?.upstream, "good");
  const states = raced?.contestants.map((it) => [it.upstream, it.state, it.reason]);
  assertEquals(states?.toSorted().slice(1), [
    ["none", "failed", { kind: "status", status: 404 }],
    ["silent", "lost", null],
  ]);
  const heads = of(events, "attempt-head").map(({ status }) => status);
  assertEquals(heads.sort(), [200, 404]);
  const ends = of(events, "attempt-ended").map(({ outcome, bytes }) => [outcome, bytes]);
  assertEquals(ends.sort(), [["done", 5], ["failed", 0], ["lost", 0]]);
  const [ended] = of(events, "fill-ended");
  assertEquals(
    [ended?.outcome, ended?.bytes, ended?.upstream, ended?.reason],
    ["stored", 5, "good", null],
  );
  assertEquals(proxy.activity.downloads(), []);
});

Deno.test("a download under way shows how far it is, how fast, and who waits for it", async () => {
  const clock = new ManualClock();
  const pieces = [1, 2, 3].map((seed) => randomBytes(MIB, seed));
  const body = new GatedBody(pieces);
  const headers = { "content-length": String(3 * MIB) };
  await using origin = new Origin(() => new Response(body.stream, { headers }));
  const upstreams = [{ server: origin.url, name: "toy" }];
  await using proxy = await TestProxy.start({ upstreams, clock });
  const leader = await proxy.fetch("/x.iso");
  const joiner = await proxy.fetch("/x.iso");
  const reader = joiner.body?.getReader();
  assert(reader !== undefined);
  await readSome(reader, MIB);
  clock.advance(2000);
  body.release();
  await readSome(reader, MIB);
  const [download, ...others] = proxy.activity.downloads();
  assertEquals(others, []);
  assertEquals(
    [download?.path, download?.size, download?.written, download?.joiners, download?.state],
    ["/x.iso", 3 * MIB, 2 * MIB, 1, "filling"],
  );
  assertEquals(download?.contestants.map((it) => [it.upstream, it.role, it.state, it.bytes]), [
    ["toy", "race", "won", 2 * MIB],
  ]);
  // Two mebibytes in two seconds, all of them at their ends.
  assertEquals(download?.contestants[0]?.bytesPerSecond, MIB);
  assertEquals(proxy.activity.joiners, 1);
  await reader.cancel();
  while (proxy.activity.joiners > 0) await settle();
  assertEquals(proxy.activity.downloads()[0]?.joiners, 0);
  body.release();
  assertEquals((await leader.bytes()).byteLength, 3 * MIB);
  await proxy.settled();
  assertEquals(proxy.activity.downloads(), []);
});

Deno.test("who is asked and has not answered is shown as asked", async () => {
  const answer = new Gate();
  await using origin = new Origin(async () => {
    await answer.opened;
    return new Response("hello");
  });
  await using proxy = await TestProxy.start({ upstreams: [{ server: origin.url, name: "toy" }] });
  const [first, second] = [proxy.get("/file"), proxy.get("/file")];
  await origin.asked.reaches(1);
  while (proxy.activity.joiners < 1) await settle();
  const [download] = proxy.activity.downloads();
  assertEquals(
    [download?.state, download?.size, download?.joiners, download?.contestants],
    ["asking", null, 1, [{
      attempt: download?.contestants[0]?.attempt ?? 0,
      upstream: "toy",
      role: "race",
      state: "asked",
      reason: null,
      headMs: null,
      bytes: 0,
      bytesPerSecond: null,
    }]],
  );
  answer.open();
  await Promise.all([first, second]);
  while (proxy.activity.joiners > 0) await settle();
});

Deno.test("a takeover is a race of its own, and the one who broke off has the reason", async () => {
  const all = randomBytes(4 * MIB);
  await using bad = new Origin(rangeMirror(all, { lastModified: NOON, breakAt: 2 * MIB }));
  await using good = new Origin(rangeMirror(all, { lastModified: NOON }));
  const upstreams = [bad, good].map(({ url }, at) => ({
    server: url,
    name: `m${at}`,
    "priority-groups": [{ match: "", priority: -at }],
  }));
  await using proxy = await TestProxy.start({ upstreams });
  const events = watch(proxy);
  assertSameBytes(await (await proxy.fetch("/x.iso")).bytes(), all);
  await proxy.settled();
  assertPaired(events);
  const races = of(events, "race-ended").map(({ role, winner }) => [role, winner?.upstream]);
  assertEquals(races, [["race", "m0"], ["takeover", "m1"]]);
  const ends = of(events, "attempt-ended").map(({ outcome, reason }) => [outcome, reason?.kind]);
  assertEquals(ends, [["failed", "short-body"], ["done", undefined]]);
  assertEquals(of(events, "fill-ended")[0]?.outcome, "stored");
});

Deno.test("segments are shown with the mirrors that give them", async () => {
  const all = randomBytes(4 * MIB);
  const facts = { lastModified: NOON, turns: 1 };
  await using winner = new PartMirror(all, { ...facts, turns: 4 });
  await using second = new PartMirror(all, { ...facts, losesRaces: true });
  await using third = new PartMirror(all, { ...facts, losesRaces: true });
  const config = { race: { width: 3, "segment-threshold": "1MiB", "segment-window": MIB } };
  const upstreams = [winner, second, third].map(({ url }, at) => ({ server: url, name: `m${at}` }));
  await using proxy = await TestProxy.start({ upstreams, config });
  const events = watch(proxy);
  const seen = new Set<string>();
  proxy.activity.subscribe(({ kind }) => {
    if (kind !== "attempt-started") return;
    for (const { upstream, role } of proxy.activity.downloads()[0]?.contestants ?? []) {
      seen.add(`${upstream} ${role}`);
    }
  });
  assertSameBytes(await (await proxy.fetch("/x.iso")).bytes(), all);
  await proxy.settled();
  assertPaired(events);
  const segments = of(events, "attempt-started").filter(({ role }) => role === "segment");
  assert(segments.length > 4, `${segments.length} segments`);
  assert(segments.every(({ race }) => race === null));
  assert(seen.has("m1 segment") && seen.has("m2 segment"), [...seen].join());
});

Deno.test("a range far ahead of its fill is told of under that fill", async () => {
  const all = randomBytes(2 * MIB);
  await using mirror = new PartMirror(all, { lastModified: NOON });
  const slow = new GatedBody([all.slice(0, MIB), all.slice(MIB)]);
  await using origin = new Origin((seen, raw) => {
    if (seen.headers.has("range")) return fetch(mirror.url, { headers: raw.headers });
    const headers = {
      "content-length": String(2 * MIB),
      "last-modified": "Thu, 01 Jan 2026 12:00:00 GMT",
    };
    return new Response(slow.stream, { headers });
  });
  mirror.facts = { ...mirror.facts, lastModified: Date.UTC(2026, 0, 1, 12) };
  const config = { fetch: { "range-skip": "64KiB" } };
  const upstreams = [{ server: origin.url, name: "toy" }];
  await using proxy = await TestProxy.start({ upstreams, config });
  const events = watch(proxy);
  const whole = await proxy.fetch("/x.iso");
  const headers = { range: `bytes=${2 * MIB - 10}-${2 * MIB - 1}` };
  const part = await (await proxy.fetch("/x.iso", { headers })).bytes();
  assertSameBytes(part, all.slice(-10));
  slow.release();
  await whole.bytes();
  await proxy.settled();
  const [fill] = of(events, "fill-started");
  const ranges = of(events, "attempt-started").filter(({ role }) => role === "range");
  assertEquals(ranges.map((it) => it.fill), [fill?.fill]);
  assertPaired(events);
});

Deno.test("other outcomes are told by their names", async () => {
  const lastModified = NOON;
  await using origin = new Origin(fileAnswer("hello", { lastModified }));
  const config = { cache: { timeout: 0, "max-object-size": "1MiB" } };
  const upstreams = [{ server: origin.url, name: "toy", "allow-methods": ["PUT"] }];
  await using proxy = await TestProxy.start({ upstreams, config });
  const events = watch(proxy);
  const outcome = async (method: string, path: string): Promise<unknown[]> => {
    events.length = 0;
    await proxy.get(path, { method });
    await proxy.settled();
    assertPaired(events);
    const [ended] = of(events, "fill-ended");
    return [ended?.purpose, ended?.outcome, ended?.upstream, ended?.bytes];
  };
  assertEquals(await outcome("HEAD", "/file"), ["probe", "answered", "toy", 0]);
  assertEquals(await outcome("GET", "/file"), ["fill", "stored", "toy", 5]);
  assertEquals(await outcome("GET", "/file"), ["fill", "validated", "toy", 0]);
  assertEquals(await outcome("PUT", "/file"), ["forward", "passed", "toy", 5]);
  origin.answer = fileAnswer(new Uint8Array(2 * MIB));
  assertEquals(await outcome("GET", "/large"), ["fill", "passed", "toy", 2 * MIB]);
  origin.answer = statusAnswer(404);
  assertEquals(await outcome("GET", "/none"), ["fill", "failed", null, 0]);
  assertEquals(proxy.activity.problems(), [], "none of this is a problem");
});

Deno.test("a listener that throws harms no fill, and the others are told", async () => {
  await using origin = new Origin(fileAnswer("hello"));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  const end = proxy.activity.subscribe(() => {
    throw new Error("Cannot listen, as the test wants");
  });
  const events = watch(proxy);
  assertEquals((await proxy.get("/a")).text, "hello");
  await proxy.settled();
  assertEquals(of(events, "fill-ended")[0]?.outcome, "stored");
  assertEquals(proxy.storedKeys(), ["/a"]);
  end();
});

Deno.test("without a listener no event is made", () => {
  const activity = new Activity(new ManualClock());
  let made = 0;
  const make = (): FillEvent => {
    made++;
    return { kind: "race-started", fill: 1, at: 0, race: 1, role: "race" };
  };
  activity.emit(make);
  const end = activity.subscribe(() => {});
  activity.emit(make);
  end();
  activity.emit(make);
  assertEquals(made, 1);
});

Deno.test("problems are counted rather than repeated, say what to do, and are bounded", async () => {
  const clock = new ManualClock();
  await using origin = new Origin(statusAnswer(403));
  const upstreams = [{ server: origin.url, name: "toy" }];
  const config = { cache: { negative: {} } };
  await using proxy = await TestProxy.start({ upstreams, clock, config });
  const events = watch(proxy);
  for (const path of ["/a", "/b"]) await proxy.get(path);
  const [problem, ...others] = proxy.activity.problems();
  assertEquals(others, []);
  assertEquals(
    [problem?.level, problem?.path, problem?.upstream, problem?.count, problem?.message],
    ["error", "/b", "toy", 2, "No upstream gave /b: toy answered 403"],
  );
  assertStringIncludes(problem?.advice ?? "", "credentials");
  assertEquals(of(events, "problem").length, 2);
  origin.answer = statusAnswer(500);
  for (let at = 0; at < 5; at++) await proxy.get(`/${at}`);
  const [first, second] = proxy.activity.problems();
  assertStringIncludes(first?.message ?? "", "No upstream gave /4: toy answered 500");
  assertStringIncludes(second?.message ?? "", "toy is left out for 10 s after 5 failures in a row");
  const activity = new Activity(clock);
  const common = { level: "warn", message: "", advice: null, path: null, upstream: null } as const;
  for (let at = 0; at < 60; at++) activity.note({ identity: String(at), ...common });
  assertEquals(activity.problems().length, 50);
  assertEquals(activity.problems()[0]?.identity, "59");
});

Deno.test("a body that breaks off is a problem, and so is a mirror with something else", async () => {
  const all = randomBytes(4 * MIB);
  const facts = { lastModified: NOON, breakAt: 2 * MIB };
  await using bad = new Origin(rangeMirror(all, facts));
  await using other = new Origin(rangeMirror(randomBytes(4 * MIB, 2), { lastModified: NOON }));
  const upstreams = [bad, other].map(({ url }, at) => ({
    server: url,
    name: `m${at}`,
    "priority-groups": [{ match: "", priority: -at }],
  }));
  await using proxy = await TestProxy.start({ upstreams });
  const response = await proxy.fetch("/x.iso");
  await response.bytes().catch(() => {});
  await proxy.settled();
  const problems = proxy.activity.problems().map(({ identity, path }) => [identity, path]);
  assertEquals(problems.slice(0, 2), [
    ["fill-broken m0 short-body", "/x.iso"],
    ["mirror-differs m1", "/x.iso"],
  ]);
});

Deno.test("a rate is that of the last seconds, also when nothing comes any more", () => {
  const meter = new RateMeter(0);
  assertEquals(meter.bytesPerSecond(50), null, "too early");
  for (let at = 100; at <= 1000; at += 100) meter.add(100, at);
  assertEquals(meter.bytesPerSecond(1000), 1000);
  for (let at = 1100; at <= 4000; at += 100) meter.add(10, at);
  assertEquals(Math.round((meter.bytesPerSecond(4000) ?? 0) / 100), 1);
  assertEquals(meter.bytesPerSecond(14_000), 1, "ten more seconds of nothing");
  assertEquals(meter.bytesPerSecond(15_000), 0);
  assertEquals(meter.bytesPerSecond(3_000), null, "the clock was set back");
  meter.add(bytesOf("hello").byteLength, 3_500);
  assertEquals(meter.bytesPerSecond(4_000), 5);
});

Deno.test("a leader that lags and reads from the file is no joiner", async () => {
  await using origin = new Origin(fileAnswer(new Uint8Array(32 * MIB)));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  const response = await proxy.fetch("/x.iso");
  await proxy.settled();
  assertEquals([proxy.storedKeys(), proxy.activity.joiners], [["/x.iso"], 0]);
  assertEquals((await response.bytes()).byteLength, 32 * MIB);
});

Deno.test("a fill for which there is no room is told of as refused", async () => {
  const answer = new Gate();
  await using origin = new Origin(async () => {
    await answer.opened;
    return new Response("hello");
  });
  const config = { fetch: { "max-fills": 1 } };
  await using proxy = await TestProxy.start({ upstreams: [origin.url], config });
  const events = watch(proxy);
  const first = proxy.get("/a");
  await origin.asked.reaches(1);
  assertEquals((await proxy.get("/b")).response.status, 503);
  const ends = of(events, "fill-ended").map((it) => [it.path, it.outcome, it.reason]);
  assertEquals(ends, [["/b", "refused", "too-many-fills"]]);
  assertEquals(proxy.activity.problems().map(({ path }) => path), ["/b"]);
  assertEquals(proxy.activity.downloads().map(({ path }) => path), ["/a"]);
  answer.open();
  await first;
  await proxy.settled();
  assertPaired(events);
});

Deno.test("a disk that does not take what it should is a problem", () => {
  const clock = new ManualClock();
  const activity = new Activity(clock);
  const trouble = new StorageTrouble(clock, activity);
  const full = new StorageError("storage-full", "Cannot write: no space left");
  for (const key of ["/a", "/b"]) trouble.tell(key, full);
  trouble.tell("/c", new StorageError("object-too-large", "Cannot write: too large"));
  trouble.tellUnnoted("/d", new Error("Cannot write the index"));
  const problems = activity.problems().map((it) => [it.identity, it.count, it.path]);
  assertEquals(problems, [["storage unnoted", 1, "/d"], ["storage storage-full", 2, "/b"]]);
  assertStringIncludes(activity.problems()[1]?.advice ?? "", "cache.max-size");
});
