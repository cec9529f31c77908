import { assertEquals } from "@std/assert";
import { fileAnswer } from "../support/answers.ts";
import { assertSameBytes, randomBytes } from "../support/body.ts";
import { GatedBody } from "../support/gated_body.ts";
import { Origin, RawOrigin } from "../support/origin.ts";
import { TestProxy } from "../support/test_proxy.ts";

function bandwidth(bytes: number): Record<string, unknown> {
  return { misc: { "first-chunk-bytes": bytes } };
}

Deno.test("the first to deliver so many bytes wins, whoever had its head first", async () => {
  const all = randomBytes(300_000);
  const trickle = new GatedBody([all.slice(0, 99_999), all.slice(99_999)]);
  await using early = new Origin(() =>
    new Response(trickle.stream, { headers: { etag: '"slow"' } })
  );
  await using late = new Origin(async (seen, request) => {
    await early.asked.reaches(1);
    return await fileAnswer(all, { etag: '"fast"' })(seen, request);
  });
  await using proxy = await TestProxy.start({
    upstreams: [early.url, late.url],
    config: bandwidth(100_000),
  });
  const response = await proxy.fetch("/x");
  assertEquals(response.headers.get("etag"), '"fast"');
  assertSameBytes(await response.bytes(), all);
  await trickle.cancelled;
  await proxy.settled();
  assertSameBytes(await Deno.readFile(proxy.file("x")), all);
});

Deno.test("a whole body that is shorter wins, too", async () => {
  await using origin = new Origin(fileAnswer("hello"));
  await using proxy = await TestProxy.start({
    upstreams: [origin.url],
    config: bandwidth(1_000_000),
  });
  for (const result of ["MISS", "HIT"]) {
    const { response, text } = await proxy.get("/x");
    assertEquals([text, response.headers.get("x-cache")], ["hello", result]);
    await proxy.settled();
  }
});

Deno.test("a body that breaks off before its first bytes are there loses", async () => {
  await using bad = new RawOrigin(async ({ write }) => {
    await write("HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\nhel");
  });
  await using good = new Origin(async (seen, request) => {
    await bad.asked.reaches(1);
    await bad.idle();
    return await fileAnswer("good")(seen, request);
  });
  await using proxy = await TestProxy.start({
    upstreams: [bad.url, good.url],
    config: bandwidth(100_000),
  });
  assertEquals((await proxy.get("/x")).text, "good");
});
