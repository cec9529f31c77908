import { assertEquals, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { HistoryKeeper } from "../../src/main/history_keeper.ts";
import { History, HISTORY_STEP_MS } from "../../src/server/admin/history.ts";
import { HistoryRing, type HistoryValues } from "../../src/server/admin/history_ring.ts";
import { StateFile } from "../../src/storage/state_file.ts";
import { statusAnswer } from "../support/answers.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { Origin } from "../support/origin.ts";
import { tempDir } from "../support/temp_dir.ts";
import { TestProxy } from "../support/test_proxy.ts";

const NOTHING: HistoryValues = {
  requests: 0,
  hits: 0,
  bytesToClients: 0,
  bytesFromUpstreams: 0,
  cacheBytes: 0,
};

const START = Date.UTC(2026, 0, 15, 12);

function requests(count: number): HistoryValues {
  return { ...NOTHING, requests: count };
}

Deno.test("a ring adds up what falls into a step, and forgets what is older than it is long", () => {
  const ring = new HistoryRing(10, 3);
  ring.add(0, requests(1));
  ring.add(9_999, requests(2));
  ring.add(20_000, requests(4));
  assertEquals(ring.table(20_000).time, [0, 10, 20]);
  assertEquals(ring.table(20_000).requests, [3, null, 4], "null where nothing was added");
  ring.add(30_000, requests(8));
  assertEquals(ring.table(30_000).requests, [null, 4, 8]);
  assertEquals(ring.table(1_000_000).requests, [null, null, null]);
});

Deno.test("a ring has as much room as steps, however long it is fed", () => {
  const ring = new HistoryRing(10, 5);
  for (let step = 0; step < 1000; step++) ring.add(step * 10_000, requests(step));
  assertEquals(ring.toJSON().length, 5);
  assertEquals(ring.table(9_990_000).requests, [995, 996, 997, 998, 999]);
});

Deno.test("a clock that was ahead leaves nothing that is told", () => {
  const ring = new HistoryRing(10, 3);
  ring.add(1_000_000, requests(7));
  ring.add(20_000, requests(1));
  assertEquals(ring.table(20_000).requests, [null, null, 1]);
});

Deno.test("a history keeps by how much totals grow, of the cache's size the last", () => {
  const history = new History();
  const totals = { ...NOTHING, requests: 100, bytesToClients: 5000, cacheBytes: 70 };
  history.sample(START, totals);
  history.sample(START + 4000, { ...totals, requests: 101, cacheBytes: 60 });
  history.sample(START + 10_000, { ...totals, requests: 104, cacheBytes: 90 });
  history.sample(START + 20_003, { ...totals, requests: 109, bytesToClients: 4000 });
  const { requests, bytesToClients, cacheBytes } = history.table("hour", START + 20_003);
  assertEquals(requests.slice(-4), [null, 4, 5, null], "what was before the first is not counted");
  assertEquals(bytesToClients.slice(-3), [0, 0, null], "totals that shrink count nothing");
  assertEquals(cacheBytes.slice(-3), [90, 70, null]);
  assertEquals(history.table("day", START + 20_003).requests.at(-1), 9);
  assertEquals(history.table("month", START + 20_003).requests.at(-1), 9);
});

Deno.test("timers that come late by a little leave no step out", () => {
  const history = new History();
  for (let step = 0; step < 300; step++) {
    // A fifth of a second off, to and fro.
    const off = step % 3 === 0 ? -200 : 200;
    history.sample(START + step * HISTORY_STEP_MS + off, requests(step));
  }
  const { requests: counted } = history.table("hour", START + 299 * HISTORY_STEP_MS - 1000);
  assertEquals(counted.slice(-299), new Array(299).fill(1));
});

Deno.test("what is no history is refused, whatever it is", () => {
  const saved: unknown = JSON.parse(JSON.stringify(new History()));
  new History().restore(saved);
  const wrong: unknown[] = [null, 7, [], {}, { format: 2 }, { format: 1 }, {
    format: 1,
    hour: [[1, 2, 3]],
    day: [],
    month: [],
  }, { format: 1, hour: [[1, 0, 0, 0, 0, -1]], day: [], month: [] }];
  for (const value of wrong) {
    assertThrows(() => new History().restore(value), Error, undefined, JSON.stringify(value));
  }
});

Deno.test("the keeper samples at the end of each step, and a restart goes on where it was", async () => {
  await using folder = await tempDir();
  await Deno.mkdir(join(folder.path, ".cache-proxy/partial"), { recursive: true });
  const file = new StateFile(folder.path, "history.json");
  const clock = new ManualClock(START + 3000);
  let total = 0;
  const first = await HistoryKeeper.start(file, () => requests(total), clock);
  total = 5;
  clock.advance(7000);
  total = 9;
  clock.advance(10_000);
  assertEquals(first.table("hour").requests.slice(-3), [5, 4, 0]);
  await first.stop();
  assertEquals(clock.pending, 0, "no timer is left");

  clock.advance(20_000);
  total = 0;
  const second = await HistoryKeeper.start(file, () => requests(total), clock);
  total = 2;
  clock.advance(10_000);
  assertEquals(second.table("hour").requests.slice(-6), [5, 4, 0, null, 2, 0]);
  await second.stop();
});

Deno.test("a history that cannot be read begins afresh", async () => {
  await using folder = await tempDir();
  await Deno.mkdir(join(folder.path, ".cache-proxy/partial"), { recursive: true });
  const file = new StateFile(folder.path, "history.json");
  await Deno.writeTextFile(file.path, `{"format":1,"hour":[[1,2,3,4,5,6]],"day":7}`);
  const clock = new ManualClock(START);
  const keeper = await HistoryKeeper.start(file, () => requests(0), clock);
  assertEquals(keeper.table("hour").requests.filter((it) => it !== null), [0]);
  await keeper.stop();
});

Deno.test("GET /history tells each range, what came in the last seconds included", async () => {
  await using origin = new Origin(statusAnswer(404));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  await proxy.get("/none");
  const expected = { hour: [10, 360], day: [300, 288], month: [7200, 372] };
  for (const [range, [step, length]] of Object.entries(expected)) {
    const history = await (await fetch(`${proxy.adminUrl}/history?range=${range}`)).json();
    assertEquals([history.range, history.stepSeconds], [range, step]);
    const columns = [
      "time",
      "requests",
      "hits",
      "bytesToClients",
      "bytesFromUpstreams",
      "cacheBytes",
    ];
    assertEquals(columns.map((name) => history[name].length), columns.map(() => length));
    const total = history.requests.reduce((sum: number, it: number | null) => sum + (it ?? 0), 0);
    assertEquals(total, 1, range);
  }
  const wrong = await fetch(`${proxy.adminUrl}/history?range=year`);
  assertEquals([wrong.status, (await wrong.json()).error], [
    400,
    "range is one of hour, day, month",
  ]);
});
