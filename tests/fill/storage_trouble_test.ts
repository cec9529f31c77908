import { configureSync, type LogRecord, resetSync } from "@logtape/logtape";
import { assertEquals } from "@std/assert";
import { StorageTrouble } from "../../src/fill/storage_trouble.ts";
import { ManualClock } from "../support/manual_clock.ts";

Deno.test("what an index does not take is told once a minute, however often it happens", () => {
  const records: LogRecord[] = [];
  const sinks = { list: (record: LogRecord): void => void records.push(record) };
  const loggers = [{ category: "cache-proxy", sinks: ["list" as const] }, {
    category: ["logtape", "meta"],
    lowestLevel: "error" as const,
  }];
  configureSync({ sinks, loggers, reset: true });
  try {
    const clock = new ManualClock();
    const trouble = new StorageTrouble(clock);
    for (let time = 0; time < 1000; time++) {
      trouble.tellUnnoted(`/${time}`, new Error("full"));
      clock.advance(120);
    }
  } finally {
    resetSync();
  }
  assertEquals(records.map(({ properties }) => properties["untold"]), [0, 499]);
});
