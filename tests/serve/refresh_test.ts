import { assertEquals } from "@std/assert";
import { formatHttpDate } from "../../src/decide/http_date.ts";
import { ask, HOUR, stored, validators, YESTERDAY } from "../support/aged_copy.ts";
import { fileAnswer, statusAnswer } from "../support/answers.ts";
import { NOON } from "../support/facts.ts";
import { Gate } from "../support/gate.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { Origin } from "../support/origin.ts";
import { TestProxy } from "../support/test_proxy.ts";

Deno.test("policies say when a copy is asked about again, the first that matches", async () => {
  await using origin = new Origin(fileAnswer("hello", { lastModified: YESTERDAY }));
  const clock = new ManualClock(NOON);
  await using proxy = await TestProxy.start({
    upstreams: [origin.url],
    clock,
    config: {
      cache: {
        timeout: "2h",
        policies: [
          { match: "\\.deb$", "refresh-after": "never" },
          { match: "^/fast/", "refresh-after": "1m" },
          { match: "^/default/" },
        ],
      },
    },
  });
  const table: [path: string, freshMs: number][] = [
    ["/x.deb", Infinity],
    ["/fast/x.deb", Infinity],
    ["/fast/x", 60_000],
    ["/default/x", 2 * HOUR],
    ["/x", 2 * HOUR],
  ];
  for (const [path] of table) assertEquals(await ask(proxy, path), "MISS hello");
  for (const [path, freshMs] of table) {
    const restart = clock.now();
    const ms = Math.min(freshMs, 500 * HOUR);
    clock.advance(NOON + ms - 1 - restart);
    assertEquals(await ask(proxy, path), "HIT hello", path);
    clock.advance(1);
    assertEquals(await ask(proxy, path), freshMs === Infinity ? "HIT hello" : "REVALIDATED hello");
    clock.advance(NOON - clock.now());
  }
});

Deno.test("304 keeps the copy and renews its time", async () => {
  await using held = await stored();
  held.clock.advance(HOUR);
  assertEquals(await ask(held.proxy), "REVALIDATED hello");
  assertEquals(held.origin.seen.map(validators), [[null, formatHttpDate(YESTERDAY)]]);
  held.clock.advance(HOUR - 1);
  assertEquals(await ask(held.proxy), "HIT hello");
  held.clock.advance(1);
  assertEquals(await ask(held.proxy), "REVALIDATED hello");
  assertEquals(held.origin.seen.length, 2);
  assertEquals(Deno.statSync(held.proxy.file("x")).mtime?.getTime(), YESTERDAY);
});

Deno.test("a changed file takes the place of the stored one", async () => {
  await using held = await stored();
  held.clock.advance(HOUR);
  held.origin.answer = fileAnswer("newer", { lastModified: NOON });
  assertEquals(await ask(held.proxy), "MISS newer");
  assertEquals(await ask(held.proxy), "HIT newer");
  assertEquals(await Deno.readTextFile(held.proxy.file("x")), "newer");
});

Deno.test("an ETag goes to the mirror that gave it alone, the date to all", async () => {
  const gate = new Gate();
  await using second = new Origin(async () => {
    await gate.opened;
    return new Response(null, { status: 304 });
  });
  await using held = await stored({ upstreams: [second.url] }, '"first-v1"');
  await second.asked.reaches(1);
  held.clock.advance(HOUR);
  held.origin.answer = async (seen, request) => {
    await second.asked.reaches(2);
    return await fileAnswer("hello", { etag: '"first-v1"' })(seen, request);
  };
  assertEquals(await ask(held.proxy), "REVALIDATED hello");
  const date = formatHttpDate(YESTERDAY);
  assertEquals(held.origin.seen.map(validators), [['"first-v1"', date]]);
  assertEquals(second.seen.map(validators), [[null, null], [null, date]]);
  gate.open();
});

Deno.test("a copy without any validator is fetched anew", async () => {
  await using origin = new Origin(() => new Response("hello"));
  const clock = new ManualClock(NOON);
  await using proxy = await TestProxy.start({ upstreams: [origin.url], clock });
  await ask(proxy);
  clock.advance(HOUR);
  assertEquals(await ask(proxy), "MISS hello");
  assertEquals(validators(origin.seen[1] ?? { headers: new Headers() }), [null, null]);
});

Deno.test("a clock that was set back makes a copy stale, not fresh for ever", async () => {
  await using held = await stored();
  held.clock.advance(-2 * HOUR);
  assertEquals(await ask(held.proxy), "REVALIDATED hello");
  assertEquals(await ask(held.proxy), "HIT hello");
  held.origin.answer = statusAnswer(500);
  held.clock.advance(-24 * HOUR);
  const { response, text } = await held.proxy.get("/x");
  assertEquals([text, response.headers.get("x-cache")], ["hello", "STALE"]);
  assertEquals(response.headers.get("age"), "0");
});
