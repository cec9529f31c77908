import { assertEquals } from "@std/assert";
import { fileAnswer, statusAnswer } from "../support/answers.ts";
import { bytesOf } from "../support/body.ts";
import { GatedBody } from "../support/gated_body.ts";
import { Gate, settle } from "../support/gate.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { Origin, RawOrigin } from "../support/origin.ts";
import { TestProxy } from "../support/test_proxy.ts";

Deno.test("all mirrors are asked at once, the first good head wins", async () => {
  const gate = new Gate();
  const held = async (name: string): Promise<Response> => {
    await gate.opened;
    return new Response(name);
  };
  await using slow = new Origin(() => held("slow"));
  await using slower = new Origin(() => held("slower"));
  await using fast = new Origin(async () => {
    await Promise.all([slow.asked.reaches(1), slower.asked.reaches(1)]);
    return new Response("fast");
  });
  await using proxy = await TestProxy.start({ upstreams: [slow.url, fast.url, slower.url] });
  assertEquals((await proxy.get("/x")).text, "fast");
  gate.open();
});

Deno.test("losers are gone at once, those that had begun to answer included", async () => {
  const winner = new Gate();
  const gone: string[] = [];
  const script = (name: string, head: string) =>
    new RawOrigin(async (exchange) => {
      if (head !== "") await exchange.write(head);
      await exchange.closedByPeer();
      gone.push(name);
    });
  await using silent = script("silent", "");
  await using headed = script("headed", "HTTP/1.1 200 OK\r\nContent-Le");
  await using begun = script("begun", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhel");
  await using good = new Origin(async (seen, request) => {
    await winner.opened;
    return await fileAnswer("good", {})(seen, request);
  });
  await using proxy = await TestProxy.start({
    upstreams: [silent.url, headed.url, begun.url, good.url],
    // Heads do not win here, so that one of the losers is in its body.
    config: { misc: { "first-chunk-bytes": 4 }, race: { width: 4 } },
  });
  const answer = proxy.get("/x");
  await Promise.all([silent, headed, begun, good].map(({ asked }) => asked.reaches(1)));
  assertEquals(gone, []);
  winner.open();
  assertEquals((await answer).text, "good");
  await Promise.all([silent, headed, begun].map((origin) => origin.idle()));
  assertEquals(gone.sort(), ["begun", "headed", "silent"]);
});

Deno.test("a mirror that fails does not end the race of the others", async () => {
  const failed = new Gate();
  await using bad = new Origin((seen, request) => {
    failed.open();
    return statusAnswer(500)(seen, request);
  });
  await using good = new Origin(async () => {
    await failed.opened;
    return new Response("good");
  });
  await using proxy = await TestProxy.start({ upstreams: [bad.url, good.url] });
  assertEquals((await proxy.get("/x")).text, "good");
});

Deno.test("the client reads before the winner's body has ended", async () => {
  const body = new GatedBody([bytesOf("hel"), bytesOf("lo")]);
  await using origin = new Origin(() => new Response(body.stream));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  const response = await proxy.fetch("/x");
  const reader = response.body?.getReader();
  assertEquals((await reader?.read())?.value, bytesOf("hel"));
  body.release();
  assertEquals((await reader?.read())?.value, bytesOf("lo"));
  assertEquals((await reader?.read())?.done, true);
});

Deno.test("a small body that is slow is not held back for long", async () => {
  const clock = new ManualClock();
  const gate = new Gate();
  await using slow = new RawOrigin(async ({ write }) => {
    await write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
    await gate.opened;
    await write("lo");
  });
  await using proxy = await TestProxy.start({ upstreams: [slow.url], clock });
  const idle = clock.pending;
  const asking = proxy.fetch("/x");
  await slow.asked.reaches(1);
  // Its head is there when its time for the head is not watched any more.
  while (clock.pending !== idle + 2) await settle();
  clock.advance(20);
  const reader = (await asking).body?.getReader();
  assertEquals((await reader?.read())?.value, bytesOf("hel"));
  gate.open();
  assertEquals((await reader?.read())?.value, bytesOf("lo"));
  assertEquals((await reader?.read())?.done, true);
  await slow.idle();
});
