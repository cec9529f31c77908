import { assertEquals } from "@std/assert";
import type { LogRecord } from "@logtape/logtape";
import { plainMessage } from "../../src/main/log_format.ts";
import { RepeatLimiter, WINDOW_MS } from "../../src/main/repeat_limiter.ts";
import { ManualClock } from "../support/manual_clock.ts";

/** A limiter with a manual clock, and what it has passed on. */
class Log {
  readonly clock = new ManualClock();
  readonly passed: LogRecord[] = [];
  readonly limiter = new RepeatLimiter((record) => void this.passed.push(record), this.clock);

  take(
    level: LogRecord["level"],
    properties: Readonly<Record<string, unknown>>,
    template = "{upstream} failed for {key}: {reason}",
  ): void {
    const { upstream, key, reason } = properties;
    this.limiter.take({
      level,
      category: ["cache-proxy", "fill"],
      rawMessage: template,
      message: ["", upstream, " failed for ", key, ": ", reason, ""],
      timestamp: this.clock.now(),
      properties: { ...properties },
    });
  }

  /** The messages since the last call. */
  read(): string[] {
    return this.passed.splice(0).map(plainMessage);
  }
}

Deno.test("of a warning that repeats ten a minute are written, then how many were left out", () => {
  const log = new Log();
  for (let count = 0; count < 25; count++) {
    const reason = `silent for ${10_000 + count} ms`;
    log.take("warning", { upstream: "one", key: `/${count}`, reason });
  }
  assertEquals(log.read().length, 10);
  log.clock.advance(WINDOW_MS);
  const [record] = log.passed;
  assertEquals([record?.level, record?.properties["leftOut"]], ["warning", 15]);
  assertEquals(log.read(), [
    "15 more like this were left out: one failed for /24: silent for 10024 ms",
  ]);
  log.take("warning", { upstream: "one", key: "/after", reason: "silent for 1 ms" });
  assertEquals(log.read(), ["one failed for /after: silent for 1 ms"]);
  log.clock.advance(10 * WINDOW_MS);
  assertEquals(log.read(), []);
  assertEquals(log.clock.pending, 0, "nothing is waited for where nothing was left out");
});

Deno.test("another mirror, reason, level or template is another trouble", () => {
  const log = new Log();
  const others: Parameters<Log["take"]>[] = [
    ["warning", { upstream: "one", key: "/", reason: "refused" }],
    ["warning", { upstream: "two", key: "/", reason: "refused" }],
    ["warning", { upstream: "one", key: "/", reason: "reset" }],
    ["error", { upstream: "one", key: "/", reason: "refused" }],
    ["error", { upstream: "one", key: "/", reason: "refused" }, "{upstream} has gone"],
    ["error", { upstream: "one", key: "/", reason: "refused", error: new TypeError("a") }],
    ["error", { upstream: "one", key: "/", reason: "refused", error: new RangeError("a") }],
  ];
  for (const other of others) {
    for (let count = 0; count < 20; count++) log.take(...other);
    assertEquals(log.read().length, 10, JSON.stringify(other));
  }
});

Deno.test("what is less important than a warning is never left out", () => {
  const log = new Log();
  for (const level of ["trace", "debug", "info"] as const) {
    for (let count = 0; count < 100; count++) log.take(level, { upstream: "one" });
    assertEquals(log.read().length, 100, level);
  }
});

Deno.test("a log that ends tells what was left out, and one that lasts goes on to", () => {
  const log = new Log();
  const refused = { upstream: "one", key: "/", reason: "refused" };
  const told: string[] = [];
  for (let second = 0; second < 180; second++) {
    log.take("error", refused);
    log.clock.advance(1_000);
    told.push(...log.read());
  }
  log.limiter.flush();
  told.push(...log.read());
  const counts = told.map((line) => Number(/^(\d+) more/.exec(line)?.[1] ?? 0));
  const leftOut = counts.reduce((sum, count) => sum + count, 0);
  const written = counts.filter((count) => count === 0).length;
  assertEquals([written + leftOut, written], [180, 30]);
  assertEquals(log.clock.pending, 0);
});

Deno.test("memory is bounded; a kind that is forgotten is told of first", () => {
  const log = new Log();
  for (let count = 0; count < 12; count++) log.take("error", { upstream: "first" });
  assertEquals(log.read().length, 10);
  for (let count = 0; count < 1000; count++) log.take("error", { upstream: `other ${count}` });
  const told = log.read().filter((line) => line.includes("more like this"));
  assertEquals(told.length, 1);
  assertEquals(told[0]?.startsWith("2 more like this were left out: first"), true);
});

Deno.test("a clock that is set back keeps nobody silent", () => {
  const log = new Log();
  for (let count = 0; count < 20; count++) log.take("error", { upstream: "one" });
  log.read();
  log.clock.set(log.clock.now() - 3_600_000);
  log.take("error", { upstream: "one" });
  assertEquals(log.read().length, 2, "what was left out, and the new one");
});
