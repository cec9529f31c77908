import { assertEquals } from "@std/assert";
import { formatHttpDate } from "../../src/decide/http_date.ts";
import { ask, HOUR, stored, YESTERDAY } from "../support/aged_copy.ts";
import { fileAnswer } from "../support/answers.ts";
import { NOON } from "../support/facts.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { Origin, RawOrigin } from "../support/origin.ts";
import { tempDir } from "../support/temp_dir.ts";
import { TestProxy } from "../support/test_proxy.ts";

Deno.test("FIELD: mirrors out of step: a copy never goes back in time", async () => {
  await using held = await stored();
  held.clock.advance(HOUR);
  // A mirror that lags, and that compares dates for equality.
  held.origin.answer = () =>
    new Response("older", { headers: { "last-modified": formatHttpDate(YESTERDAY - HOUR) } });
  assertEquals(await ask(held.proxy), "REVALIDATED hello");
  assertEquals(await ask(held.proxy), "HIT hello");
  assertEquals(await Deno.readTextFile(held.proxy.file("x")), "hello");
});

Deno.test("FIELD: mirrors out of step: a date from the future does not keep a copy for ever", async () => {
  await using held = await stored();
  held.origin.answer = fileAnswer("wrong clock", { lastModified: NOON + 1000 * HOUR });
  held.clock.advance(HOUR);
  assertEquals(await ask(held.proxy), "MISS wrong clock");
  held.origin.answer = ({ headers }) =>
    new Response(`right, asked since ${headers.get("if-modified-since")}`, {
      headers: { "last-modified": formatHttpDate(NOON) },
    });
  held.clock.advance(HOUR);
  const since = formatHttpDate(NOON + 1000 * HOUR);
  assertEquals(await ask(held.proxy), `MISS right, asked since ${since}`);
});

Deno.test("a mirror that lags has its connection closed: its body is not read", async () => {
  const head = `HTTP/1.1 200 OK\r\nLast-Modified: ${formatHttpDate(YESTERDAY - HOUR)}\r\n`;
  await using lagging = new RawOrigin(async ({ write, closedByPeer }) => {
    await write(`${head}Content-Length: 1000000\r\n\r\nolder`);
    await closedByPeer();
  });
  await using origin = new Origin(fileAnswer("hello", { lastModified: YESTERDAY }));
  await using folder = await tempDir();
  const clock = new ManualClock(NOON);
  const options = { clock, dataDir: folder.path };
  {
    await using proxy = await TestProxy.start({ upstreams: [origin.url], ...options });
    await ask(proxy);
  }
  clock.advance(HOUR);
  await using proxy = await TestProxy.start({ upstreams: [lagging.url], ...options });
  assertEquals(await ask(proxy), "REVALIDATED hello");
  await lagging.idle();
});
