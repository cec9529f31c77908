import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { join } from "@std/path";
import { Child, freePort } from "../../tools/bench/child.ts";
import { installedPeers } from "../../tools/bench/contestants.ts";
import { growDirectory, grownPath } from "../../tools/bench/grown_directory.ts";
import { parseOptions } from "../../tools/bench/options.ts";
import { writeReport } from "../../tools/bench/report.ts";
import { figuresOf, readResult, type Result, writeResult } from "../../tools/bench/results.ts";
import { runWork } from "../../tools/bench/run_work.ts";
import type { Contestant, Server } from "../../tools/bench/server.ts";
import { ratiosOf, spreadOf } from "../../tools/bench/statistics.ts";
import { overview } from "../../tools/bench/table.ts";
import { regressionOf, verdictsOf } from "../../tools/bench/verdict.ts";
import type { Bench, Work } from "../../tools/bench/work.ts";
import { WORKS } from "../../tools/bench/works.ts";
import { ProgramUnderTest } from "../support/program_under_test.ts";
import { tempDir } from "../support/temp_dir.ts";

Deno.test("the command line has defaults, and shorter ones for the quick check", () => {
  const full = parseOptions([]);
  assertEquals([full.rounds, full.seconds, full.workers, full.only], [5, 5, 1, null]);
  const quick = parseOptions(["--quick", "--seconds", "1", "--only", "hit-4k,growth"]);
  assertEquals([quick.rounds, quick.seconds, quick.only], [3, 1, ["hit-4k", "growth"]]);
});

for (const args of [["--quik"], ["--rounds"], ["--rounds", "0"], ["--only"], ["hit-4k"]]) {
  Deno.test(`the command line "${args.join(" ")}" is refused`, () => {
    assertThrows(() => parseOptions(args), TypeError, "Cannot read the command line");
  });
}

Deno.test("a spread is the median and the quartiles, of few figures the extremes", () => {
  assertEquals(spreadOf([3, 1, 2]), { median: 2, low: 1, high: 3 });
  assertEquals(spreadOf([4, 1]), { median: 2.5, low: 1, high: 4 });
  assertEquals(spreadOf([5, 3, 1, 2, 4, 7, 6, 9, 8]), { median: 5, low: 3, high: 7 });
  assert(Number.isNaN(spreadOf([]).median));
  assertEquals(ratiosOf([2, 9, 5], [1, 3]), [2, 3]);
});

Deno.test("names of works are different, and a metric is named by each bar", () => {
  assertEquals(new Set(WORKS.map(({ name }) => name)).size, WORKS.length);
  for (const { bars, metrics } of WORKS) {
    for (const bar of bars) assert(metrics.some(({ name }) => name === bar.metric), bar.metric);
  }
  assert(WORKS.some(({ isQuick }) => isQuick));
});

Deno.test("contestants have their turns in one order and in the other", async () => {
  const turns: string[] = [];
  const result = await runWork(workOf(turns, ["a", "b"]), bench(), { rounds: 3, workers: 1 });
  assertEquals(turns, ["a", "b", "b", "a", "a", "b"]);
  assertEquals(figuresOf(result, "b", "perSecond"), [2, 2, 2]);
  assertEquals(result.skipped, {});
});

Deno.test("who cannot start or fails in a turn is left out, and all are ended", async () => {
  const turns: string[] = [];
  const ended: string[] = [];
  const work = workOf(turns, ["a", "no start", "b", "no turn"], ended);
  const result = await runWork(work, bench(), { rounds: 2, workers: 1 });
  assertEquals(result.contestants.map(({ name }) => name), ["a", "b"]);
  assertEquals(result.skipped, { "no start": "Cannot start", "no turn": "Cannot measure" });
  assertEquals(turns, ["a", "b", "no turn", "b", "a"]);
  assertEquals(ended.toSorted(), ["a", "b", "no turn"]);
});

Deno.test("a peer that is not installed takes no part", async () => {
  const ground = { folder: "/nonexistent", upstreams: [], workers: 1 };
  const peer = {
    name: "nobody",
    program: "no-such-program-anywhere",
    version: () => Promise.resolve(""),
    start: () => Promise.reject(new Error("must not be called")),
  };
  assertEquals(await installedPeers([peer], ground), []);
});

Deno.test("what a server says that ends before it listens is in the error", async () => {
  const command = { program: "sh", args: ["-c", "echo no such key >&2; exit 3"] };
  const start = Child.start(command, `http://127.0.0.1:${freePort()}`);
  await assertRejects(() => start, Error, "it ended by itself: no such key");
});

Deno.test("ports are different and none is over 32767", () => {
  const ports = [freePort(), freePort(), freePort()];
  assertEquals(new Set(ports).size, 3);
  assert(ports.every((port) => port < 32_768));
});

Deno.test("a bar is a ratio of the same rounds, a difference or a figure", () => {
  const work: Work = {
    ...workOf([], []),
    bars: [
      { metric: "perSecond", of: "a", to: "b", rule: { kind: "ratio", atLeast: 1 } },
      { metric: "perSecond", of: "a", to: "b", rule: { kind: "ratio", atMost: 1 } },
      { metric: "perSecond", of: "a", to: "b", rule: { kind: "difference", atMost: 5 } },
      { metric: "perSecond", of: "a", to: null, rule: { kind: "value", atMost: 8 } },
      { metric: "perSecond", of: "a", to: "c", rule: { kind: "ratio", atLeast: 1 } },
    ],
  };
  const verdicts = verdictsOf(work, resultOf({ a: [8, 12, 9], b: [4, 10, 9] }));
  assertEquals(verdicts.map(({ isReached }) => isReached), [true, false, true, false, null]);
  assertEquals(verdicts[0]?.spread.median, 1.2);
});

const COMMITTED = { a: [100, 100, 100], b: [100, 104, 96] };

const REGRESSIONS: readonly (readonly [string, readonly number[], isLoss: boolean])[] = [
  ["as before", [100, 100, 100], false],
  ["better", [150, 150, 150], false],
  ["worse by ten in a hundred", [90, 90, 90], false],
  ["worse by a half in the median, with a round as before", [50, 50, 100], false],
  ["worse by a half", [50, 51, 49], true],
];

for (const [what, ours, isLoss] of REGRESSIONS) {
  Deno.test(`${what}: ${isLoss ? "a" : "no"} clear loss`, () => {
    const current = resultOf({ a: ours, b: [100, 100, 100] });
    const work = workOf([], []);
    assertEquals(regressionOf(work, "a", resultOf(COMMITTED), current)?.isLoss, isLoss);
    // The same figures as a time: less is better.
    const times = { ...work, metrics: [{ ...metric, better: "less" } as const] };
    const slower = resultOf({ a: ours.map((it) => 10_000 / it), b: [100, 100, 100] });
    assertEquals(regressionOf(times, "a", resultOf(COMMITTED), slower)?.isLoss, isLoss);
  });
}

Deno.test("without figures there is nothing to compare", () => {
  const current = resultOf({ a: [1] });
  assertEquals(regressionOf(workOf([], []), "a", resultOf(COMMITTED), current), null);
});

Deno.test("results are read as they were written", async () => {
  await using folder = await tempDir();
  const result = resultOf(COMMITTED);
  await writeResult(folder.path, result);
  assertEquals(await readResult(folder.path, "test"), result);
  assertEquals(await readResult(folder.path, "another"), null);
});

Deno.test("the report stands in its place, and the picture has a dot for each", async () => {
  await using folder = await tempDir();
  const work = { ...workOf([], []), base: "nginx" };
  const result = resultOf({ "cache-proxy": [2], nginx: [1] });
  const document = join(folder.path, "document.md");
  await writeResult(folder.path, result);
  const before = "before\n\n<!-- bench: begin -->\n\nold\n\n<!-- bench: end -->\n\nafter\n";
  await Deno.writeTextFile(document, before);
  const readme = join(folder.path, "README.md");
  await Deno.writeTextFile(readme, before);
  await writeReport([work], folder.path, { document, readme });
  const short = await Deno.readTextFile(readme);
  assertMatch(short, /^before\n[^]*!\[[^\]]*\]\(benchmarks\.svg\)\n[^]*\nafter\n$/);
  assertMatch(short, /\| Test: requests\/s +\| 2\.0 +\| 1\.0 +\| 2\.00 \(2\.00 to 2\.00\) +\|/);
  const text = await Deno.readTextFile(document);
  assertMatch(text, /^before\n\n<!-- bench: begin -->\n[^]*\n<!-- bench: end -->\n\nafter\n$/);
  assert(!text.includes("old"));
  assertStringIncludes(text, overview([[work, result]]));
  assertMatch(text, /2\.0 \(2\.00\)/);
  assertMatch(text, /\| Test: requests\/s /);
  const picture = await Deno.readTextFile(join(folder.path, "benchmarks.svg"));
  // Two in the legend, two in the line.
  assertEquals(picture.match(/<circle/g)?.length, 4);
});

Deno.test("files of a grown directory are hits", async () => {
  await using folder = await tempDir();
  const dataDir = join(folder.path, "data");
  await growDirectory(dataDir, 2_500);
  // Nobody listens there: what is not stored cannot be had.
  const config = { upstream: [{ server: "http://127.0.0.1:1" }] };
  await using program = await ProgramUnderTest.start({ config, dataDir: dataDir });
  for (const number of [0, 1, 999, 1_000, 2_499]) {
    const response = await program.fetch(grownPath(number));
    assertEquals([response.status, (await response.bytes()).length], [200, 4096]);
    assertStringIncludes(response.headers.get("cache-status") ?? "", "hit");
  }
  const missing = await program.fetch(grownPath(2_500));
  await missing.body?.cancel();
  assertEquals(missing.status, 502);
});

const metric = {
  name: "perSecond",
  title: "requests/s",
  unit: "per second",
  better: "more",
} as const;

/** Its contestants give the number of their turn in the alphabet; some fail, as their names say. */
function workOf(turns: string[], names: readonly string[], ended: string[] = []): Work {
  return {
    name: "test",
    title: "Test",
    isQuick: false,
    metrics: [metric],
    base: "b",
    bars: [],
    contestants: () =>
      Promise.resolve(names.map((name): Contestant => ({
        name,
        version: "1",
        start: () =>
          name === "no start" ? Promise.reject(new Error("Cannot start")) : Promise.resolve({
            url: name,
            cpuSeconds: () => 0,
            residentBytes: () => 0,
            [Symbol.asyncDispose]: () => {
              ended.push(name);
              return Promise.resolve();
            },
          }),
      }))),
    prepare: () => Promise.resolve(),
    measure: ({ url }: Server) => {
      turns.push(url);
      if (url === "no turn") return Promise.reject(new Error("Cannot measure"));
      return Promise.resolve({ perSecond: url.charCodeAt(0) - 96 });
    },
  };
}

function bench(): Bench {
  const nothing = (): never => {
    throw new Error("must not be called");
  };
  return {
    origin: { urls: [], requests: nothing, [Symbol.asyncDispose]: nothing },
    peers: [],
    ours: nothing,
    seconds: 1,
    folder: "",
    unique: nothing,
  };
}

function resultOf(figures: Readonly<Record<string, readonly number[]>>): Result {
  return {
    work: "test",
    date: "2026-01-01T00:00:00.000Z",
    machine: { cores: 2, processor: "P", kernel: "1", memory: 1, load: 0 },
    seconds: 1,
    workers: 1,
    contestants: Object.entries(figures).map(([name, values]) => (
      { name, version: "1", rounds: values.map((perSecond) => ({ perSecond })) }
    )),
    skipped: {},
  };
}
