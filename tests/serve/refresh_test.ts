import { assertEquals, assertStringIncludes } from "@std/assert";
import { formatHttpDate } from "../../src/decide/http_date.ts";
import { fileAnswer, statusAnswer } from "../support/answers.ts";
import { NOON } from "../support/facts.ts";
import { Gate } from "../support/gate.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { Origin, RawOrigin } from "../support/origin.ts";
import { tempDir } from "../support/temp_dir.ts";
import { TestProxy, type TestProxyOptions } from "../support/test_proxy.ts";

const HOUR = 3_600_000;
const YESTERDAY = NOON - 24 * HOUR;

/** A proxy, an origin and a clock at noon; `/x` is stored as `hello` of yesterday. */
async function stored(options: Partial<TestProxyOptions> = {}, etag?: string) {
  const facts = etag === undefined ? {} : { etag };
  const origin = new Origin(fileAnswer("hello", { lastModified: YESTERDAY, ...facts }));
  const clock = new ManualClock(NOON);
  const upstreams = [{ server: origin.url, name: "first" }, ...options.upstreams ?? []];
  const proxy = await TestProxy.start({ ...options, upstreams, clock });
  await ask(proxy);
  origin.seen.length = 0;
  return {
    proxy,
    origin,
    clock,
    async [Symbol.asyncDispose](): Promise<void> {
      await proxy[Symbol.asyncDispose]();
      await origin[Symbol.asyncDispose]();
    },
  };
}

/** What came, and how: `HIT hello`. */
async function ask(proxy: TestProxy, path = "/x"): Promise<string> {
  const { response, text } = await proxy.get(path);
  await proxy.settled();
  const result = response.headers.get("x-cache") ?? "";
  return response.status === 200 ? `${result} ${text}` : `${response.status}`;
}

function validators({ headers }: { readonly headers: Headers }): (string | null)[] {
  return [headers.get("if-none-match"), headers.get("if-modified-since")];
}

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
    const ms = Math.min(freshMs, 10_000 * HOUR);
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
  // One that is in trouble knows nothing of the file.
  held.origin.answer = statusAnswer(500);
  assertEquals(await ask(held.proxy), "STALE hello");
  held.origin.answer = fileAnswer("hello", { lastModified: YESTERDAY });
  assertEquals(await ask(held.proxy), "REVALIDATED hello");
});

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
