import { assertEquals, assertStringIncludes } from "@std/assert";
import { ask, HOUR, stored, YESTERDAY } from "../support/aged_copy.ts";
import { fileAnswer, statusAnswer } from "../support/answers.ts";
import { Gate } from "../support/gate.ts";
import { Origin } from "../support/origin.ts";

Deno.test("when every mirror fails the stored copy is served, and says so", async () => {
  await using held = await stored();
  held.clock.advance(3 * HOUR);
  for (const status of [500, 503, 403, 206]) {
    held.origin.answer = statusAnswer(status);
    assertEquals(await ask(held.proxy), "STALE hello", `${status}`);
  }
  held.origin.answer = () =>
    new Response(null, { status: 302, headers: { location: "http://login.test/" } });
  assertEquals(await ask(held.proxy), "STALE hello");
  held.origin.answer = fileAnswer("hello", { lastModified: YESTERDAY });
  assertEquals(await ask(held.proxy), "REVALIDATED hello");
});

Deno.test("silence of all mirrors ends in the stored copy, too", async () => {
  await using held = await stored();
  held.clock.advance(3 * HOUR);
  const gate = new Gate();
  held.origin.answer = async () => {
    await gate.opened;
    return new Response();
  };
  const before = held.origin.asked.count;
  const asking = ask(held.proxy);
  await held.origin.asked.reaches(before + 1);
  held.clock.advance(10_000);
  assertEquals(await asking, "STALE hello");
  gate.open();
});

Deno.test("404 from every mirror beats the stored copy, without deleting it", async () => {
  await using second = new Origin(statusAnswer(404));
  await using held = await stored({ upstreams: [second.url] });
  held.clock.advance(HOUR);
  held.origin.answer = statusAnswer(404);
  const { response, text } = await held.proxy.get("/x");
  assertEquals(response.status, 404);
  assertStringIncludes(text, "first: answered 404");
  assertEquals(await Deno.readTextFile(held.proxy.file("x")), "hello");
  // One that is in trouble knows nothing of the file. The 404 is remembered for ten seconds.
  held.clock.advance(10_000);
  held.origin.answer = statusAnswer(500);
  assertEquals(await ask(held.proxy), "STALE hello");
  held.origin.answer = fileAnswer("hello", { lastModified: YESTERDAY });
  assertEquals(await ask(held.proxy), "REVALIDATED hello");
});

Deno.test("above max-fills the stored copy is served rather than 503", async () => {
  const gate = new Gate();
  await using held = await stored({ config: { fetch: { "max-fills": 1 } } });
  held.clock.advance(HOUR);
  held.origin.answer = async () => {
    await gate.opened;
    return new Response("other");
  };
  const before = held.origin.asked.count;
  const other = held.proxy.get("/other");
  await held.origin.asked.reaches(before + 1);
  assertEquals((await held.proxy.get("/x")).response.headers.get("x-cache"), "STALE");
  gate.open();
  assertEquals((await other).text, "other");
});
