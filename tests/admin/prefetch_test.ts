import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fileAnswer } from "../support/answers.ts";
import { randomBytes } from "../support/body.ts";
import { Gate, settle } from "../support/gate.ts";
import { GatedBody } from "../support/gated_body.ts";
import { type Answerer, Origin } from "../support/origin.ts";
import { nextEvent, type SeenEvent, serverEvents } from "../support/server_events.ts";
import { TestProxy } from "../support/test_proxy.ts";

const MIB = 1024 * 1024;

async function prefetch(proxy: TestProxy, paths: readonly string[]): Promise<Response> {
  const response = await fetch(`${proxy.adminUrl}/prefetch`, {
    method: "POST",
    headers: { "x-cache-proxy": "1" },
    body: JSON.stringify({ paths }),
  });
  assertEquals(response.headers.get("content-type"), "text/event-stream");
  return response;
}

async function allOf(response: Response): Promise<SeenEvent[]> {
  const events: SeenEvent[] = [];
  for await (const event of serverEvents(response)) events.push(event);
  return events;
}

/** The last word on each path: its state and reason. */
function endsOf(events: readonly SeenEvent[]): Record<string, [string, string | null]> {
  const progress = events.filter(({ name }) => name === "progress");
  return Object.fromEntries(progress.map(({ data }) => [data.path, [data.state, data.reason]]));
}

Deno.test("paths come into the cache, each is told of, and the sum at the end", async () => {
  const hello = fileAnswer("hello");
  const answer: Answerer = (seen, raw) =>
    seen.target === "/none" ? new Response("no", { status: 404 }) : hello(seen, raw);
  await using origin = new Origin(answer);
  const upstreams = [{ server: origin.url, name: "toy" }];
  await using proxy = await TestProxy.start({ upstreams });
  await proxy.get("/old");
  await proxy.settled();
  const paths = ["/a", "/b?c=d", "/old", "/none", "relative", "/a%2F..%2Fb"];
  const events = await allOf(await prefetch(proxy, paths));
  assertEquals(events.slice(0, paths.length).map(({ data }) => data.state), [
    ...Array(paths.length).fill("waiting"),
  ]);
  const { "/none": none, relative, "/a%2F..%2Fb": odd, ...good } = endsOf(events);
  assertEquals(good, {
    "/a": ["done", null],
    "/b?c=d": ["done", null],
    "/old": ["unchanged", "young"],
  });
  assertEquals([none, relative], [["failed", "toy answered 404"], [
    "failed",
    "A path begins with a slash",
  ]]);
  assertEquals(odd?.[0], "failed");
  assertEquals(events.at(-1), { name: "done", data: { stored: 2, unchanged: 1, failed: 3 } });
  assertEquals(proxy.storedKeys(), ["/a", "/b?c=d", "/old"]);
});

Deno.test("progress is told while a file comes in, with its mirror and size", async () => {
  const body = new GatedBody([randomBytes(MIB, 1), randomBytes(MIB, 2)]);
  const headers = { "content-length": String(2 * MIB) };
  await using origin = new Origin(() => new Response(body.stream, { headers }));
  const upstreams = [{ server: origin.url, name: "toy" }];
  await using proxy = await TestProxy.start({ upstreams });
  const events = serverEvents(await prefetch(proxy, ["/x.iso"]));
  const { data } = await nextEvent(events, ({ data }) => data.written === MIB);
  assertEquals(data, {
    path: "/x.iso",
    state: "downloading",
    written: MIB,
    size: 2 * MIB,
    upstream: "toy",
    reason: null,
  });
  body.release();
  const end = await nextEvent(events, ({ data }) => data.written === 2 * MIB);
  assert(["downloading", "done"].includes(end.data.state));
  const done = await nextEvent(events, ({ name }) => name === "done");
  assertEquals(done.data, { stored: 1, unchanged: 0, failed: 0 });
  await events.return();
});

Deno.test("four are fetched at once, and who leaves ends what has not begun", async () => {
  const open = new Gate();
  await using origin = new Origin(async () => {
    await open.opened;
    return new Response("hello");
  });
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  const paths = Array.from({ length: 9 }, (_, at) => `/${at}`);
  const events = serverEvents(await prefetch(proxy, paths));
  await origin.asked.reaches(4);
  await settle();
  assertEquals(origin.seen.length, 4);
  await nextEvent(events, ({ data }) => data.path === "/8");
  const others: Response[] = [];
  for (;;) {
    const response = await fetch(`${proxy.adminUrl}/events`);
    if (response.status === 503) {
      await response.body?.cancel();
      break;
    }
    others.push(response);
  }
  await events.return();
  // The place of who has left is free: the proxy knows of it.
  for (let status = 503; status === 503;) {
    const response = await fetch(`${proxy.adminUrl}/events`);
    await response.body?.cancel();
    status = response.status;
  }
  open.open();
  for (const { body } of others) await body?.cancel();
  await proxy.settled();
  assertEquals(proxy.storedKeys(), ["/0", "/1", "/2", "/3"], "what had begun is stored");
  assertEquals(origin.seen.length, 4);
});

Deno.test("a file that fails on its way is told of with the reason, others go on", async () => {
  const broken = fileAnswer("hello");
  const answer: Answerer = (seen, raw) => {
    if (seen.target !== "/broken") return broken(seen, raw);
    const stream = new ReadableStream({
      pull(controller): void {
        controller.enqueue(new Uint8Array(100_000));
        throw new Error("The mirror breaks off, as the test wants");
      },
    });
    return new Response(stream, { headers: { "content-length": "1000000" } });
  };
  await using origin = new Origin(answer);
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  const events = await allOf(await prefetch(proxy, ["/broken", "/good"]));
  const ends = endsOf(events);
  assertEquals([ends["/broken"]?.[0], ends["/good"]?.[0]], ["failed", "done"]);
  assertStringIncludes(ends["/broken"]?.[1] ?? "", "body ended after");
});

Deno.test("a body that is no list of paths, or too long a one, is refused", async () => {
  await using origin = new Origin(fileAnswer("hello"));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  const tooMany = { paths: Array(10_001).fill("/") };
  for (const body of ["", "{}", "[]", `{"paths":"/a"}`, `{"paths":[1]}`, JSON.stringify(tooMany)]) {
    const headers = { "x-cache-proxy": "1" };
    const response = await fetch(`${proxy.adminUrl}/prefetch`, { method: "POST", headers, body });
    assertEquals(response.status, 400, body.slice(0, 20));
    await response.body?.cancel();
  }
  assertEquals(origin.seen.length, 0);
});
