import { assertEquals } from "@std/assert";
import { fileAnswer, statusAnswer } from "../support/answers.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { Origin, RawOrigin } from "../support/origin.ts";
import { TestProxy } from "../support/test_proxy.ts";

Deno.test("FIELD: a 404 cached too long; a timeout shown as 404: it lives for ten seconds", async () => {
  await using origin = new Origin(statusAnswer(404));
  const clock = new ManualClock();
  await using proxy = await TestProxy.start({ upstreams: [origin.url], clock });
  const missing = await proxy.get("/x");
  assertEquals(missing.response.status, 404);
  assertEquals(missing.response.headers.get("cache-control"), "no-store");
  await proxy.assertNothingStored();
  origin.answer = fileAnswer("published");
  clock.advance(9_999);
  const again = await proxy.get("/x");
  assertEquals([again.response.status, again.response.headers.get("x-cache")], [404, "HIT"]);
  assertEquals(again.text, missing.text);
  assertEquals(origin.seen.length, 1);
  clock.advance(1);
  assertEquals((await proxy.get("/x")).text, "published");
});

Deno.test("FIELD: a 404 cached too long; a timeout shown as 404: only when a mirror said so", async () => {
  await using missing = new Origin(statusAnswer(404));
  await using gone = new Origin(statusAnswer(410));
  await using failing = new Origin(statusAnswer(503));
  await using resetting = new RawOrigin(() => {}, { resets: true });
  const table: [servers: string[], status: number][] = [
    [[missing.url], 404],
    [[gone.url], 410],
    [[missing.url, gone.url], 404],
    [[missing.url, failing.url], 404],
    [[failing.url], 502],
    [[resetting.url], 502],
    [[missing.url, resetting.url], 502],
  ];
  for (const [servers, status] of table) {
    const upstreams = servers.map((server, index) => ({ server, name: `${index}` }));
    await using proxy = await TestProxy.start({ upstreams });
    for (const method of ["GET", "HEAD"]) {
      assertEquals((await proxy.get("/x", { method })).response.status, status);
    }
    await proxy.assertNothingStored();
  }
});
