import { assertEquals } from "@std/assert";
import { servingWorkers } from "../../src/main/serving_workers.ts";

Deno.test("a number is what it says; auto is one worker where there are few cores", () => {
  assertEquals([1, 2, 7].map((setting) => servingWorkers(setting, 4)), [1, 2, 7]);
  const byCores = [1, 2, 3, 16].map((cores) => servingWorkers("auto", cores));
  assertEquals(byCores, Deno.build.os === "linux" ? [1, 1, 3, 16] : [1, 1, 1, 1]);
});
