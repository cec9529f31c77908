import { assert, assertEquals } from "@std/assert";
import { fileAnswer } from "../support/answers.ts";
import { settle } from "../support/gate.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { Origin } from "../support/origin.ts";
import { TestProxy } from "../support/test_proxy.ts";

const FILES = 20;

/** Ten mirrors that take so many milliseconds to their heads. */
async function tenMirrors(headMs: (at: number) => number) {
  const clock = new ManualClock();
  let answers = 0;
  const origins = Array.from({ length: 10 }, (_, at) =>
    new Origin(async (seen, request) => {
      const due = Promise.withResolvers<void>();
      clock.after(headMs(at), due.resolve);
      await due.promise;
      answers++;
      return await fileAnswer("hello")(seen, request);
    }));
  const upstreams = origins.map(({ url }, at) => ({ server: url, name: `m${at}` }));
  const proxy = await TestProxy.start({ upstreams, clock });
  const asked = (): number =>
    Object.values(proxy.counters).reduce((sum, counters) => sum + counters.asked, 0);
  return {
    /** How many mirrors the counters say were asked for one more file. */
    async ask(name: string): Promise<number> {
      const [before, answersBefore] = [asked(), answers];
      let isDone = false;
      const getting = proxy.get(name).finally(() => isDone = true);
      while (!isDone) {
        await settle();
        // Time passes only while mirrors think: how fast this machine is must not decide.
        const seen = origins.reduce((sum, origin) => sum + origin.seen.length, 0);
        if (seen >= asked() && answers === answersBefore) clock.advance(10);
      }
      assertEquals((await getting).text, "hello");
      await proxy.settled();
      return asked() - before;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      // Who has lost still waits for its time.
      clock.advance(10_000);
      await proxy[Symbol.asyncDispose]();
      for (const origin of origins) await origin[Symbol.asyncDispose]();
    },
  };
}

Deno.test("of ten mirrors that are alike three are asked for each file", async () => {
  await using held = await tenMirrors(() => 30);
  for (let at = 0; at < 10; at++) assertEquals(await held.ask(`/${at}`), 3);
});

Deno.test("of ten mirrors one is asked once it is known to be far ahead", async () => {
  await using held = await tenMirrors((at) => at === 4 ? 30 : 300);
  const counts: number[] = [];
  for (let at = 0; at < FILES; at++) counts.push(await held.ask(`/${at}`));
  assertEquals(counts[0], 3);
  assert(counts.slice(-5).every((count) => count === 1), `asked: ${counts}`);
});
