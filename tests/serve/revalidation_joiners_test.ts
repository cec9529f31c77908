import { assertEquals } from "@std/assert";
import { ask, HOUR, stored, YESTERDAY } from "../support/aged_copy.ts";
import { fileAnswer } from "../support/answers.ts";
import { NOON } from "../support/facts.ts";
import { Gate } from "../support/gate.ts";

Deno.test("one question revalidates for all who ask meanwhile", async () => {
  await using held = await stored();
  held.clock.advance(HOUR);
  const gate = new Gate();
  held.origin.answer = async (seen, request) => {
    await gate.opened;
    return await fileAnswer("hello", { lastModified: YESTERDAY })(seen, request);
  };
  const before = held.origin.asked.count;
  const asking = [ask(held.proxy), ask(held.proxy), ask(held.proxy)];
  const heads = held.proxy.get("/x", { method: "HEAD" });
  await held.origin.asked.reaches(before + 1);
  await held.proxy.get("/", { method: "POST" });
  gate.open();
  for (const answer of await Promise.all(asking)) assertEquals(answer, "REVALIDATED hello");
  assertEquals((await heads).response.headers.get("x-cache"), "REVALIDATED");
  assertEquals(held.origin.seen.length, 1);
});

Deno.test("who joins a revalidation that finds a new file reads the new file", async () => {
  await using held = await stored();
  held.clock.advance(HOUR);
  const gate = new Gate();
  held.origin.answer = async (seen, request) => {
    await gate.opened;
    return await fileAnswer("newer", { lastModified: NOON })(seen, request);
  };
  const before = held.origin.asked.count;
  const asking = [ask(held.proxy), ask(held.proxy), ask(held.proxy)];
  await held.origin.asked.reaches(before + 1);
  await held.proxy.get("/", { method: "POST" });
  gate.open();
  const answers = (await Promise.all(asking)).sort();
  assertEquals(answers, ["JOINED newer", "JOINED newer", "MISS newer"]);
});
