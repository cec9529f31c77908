import { assertEquals } from "@std/assert";
import { ManualClock } from "../support/manual_clock.ts";
import { Origin } from "../support/origin.ts";
import { TestProxy } from "../support/test_proxy.ts";

const HOUR = 3_600_000;

Deno.test("a copy that an upstream sends again, without a date, stays; another one takes its place", async () => {
  let body = "the same";
  await using origin = new Origin(() => new Response(body));
  const clock = new ManualClock();
  await using proxy = await TestProxy.start({ upstreams: [origin.url], clock });
  const inode = (): number | null => Deno.statSync(proxy.file("file")).ino;
  await proxy.get("/file");
  await proxy.settled();
  const before = inode();
  clock.advance(2 * HOUR);
  assertEquals((await proxy.get("/file")).text, "the same");
  await proxy.settled();
  assertEquals([inode(), origin.seen.length], [before, 2]);
  // It was vouched for: fresh again, and of no age.
  const { response } = await proxy.get("/file");
  assertEquals([response.headers.get("x-cache"), response.headers.get("age")], ["HIT", "0"]);
  assertEquals(proxy.files(), ["file"]);
  clock.advance(2 * HOUR);
  body = "THE SAME";
  assertEquals((await proxy.get("/file")).text, "THE SAME");
  await proxy.settled();
  assertEquals((await proxy.get("/file")).text, "THE SAME");
  assertEquals(inode() === before, false);
});
