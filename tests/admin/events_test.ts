import { assert, assertEquals } from "@std/assert";
import { fileAnswer, statusAnswer } from "../support/answers.ts";
import { randomBytes } from "../support/body.ts";
import { GatedBody } from "../support/gated_body.ts";
import { Origin } from "../support/origin.ts";
import { nextEvent, serverEvents } from "../support/server_events.ts";
import { TestProxy } from "../support/test_proxy.ts";

const MIB = 1024 * 1024;

Deno.test("a download is told of from its start to its end, its race and its progress included", async () => {
  const body = new GatedBody([1, 2, 3].map((seed) => randomBytes(MIB, seed)));
  const headers = { "content-length": String(3 * MIB) };
  await using origin = new Origin(() => new Response(body.stream, { headers }));
  await using broken = new Origin(statusAnswer(404));
  const upstreams = [{ server: origin.url, name: "toy" }, { server: broken.url, name: "none" }];
  await using proxy = await TestProxy.start({ upstreams });
  const events = serverEvents(await fetch(`${proxy.adminUrl}/events`));
  assertEquals(await nextEvent(events, () => true), { name: "downloads", data: [] });
  const response = await proxy.fetch("/x.iso");
  const { data: race } = await nextEvent(events, ({ name }) => name === "race");
  assertEquals([race.path, race.role, race.winner], ["/x.iso", "race", "toy"]);
  const states = race.contestants.map((
    it: Record<string, unknown>,
  ) => [it["upstream"], it["state"], it["reason"]]);
  assertEquals(states[0], ["toy", "won", null]);
  assert(["failed", "lost"].includes(states[1][1]));
  for (const done of [1, 2]) {
    const { data: [download] } = await nextEvent(
      events,
      ({ name, data }) => name === "downloads" && data[0]?.written === done * MIB,
    );
    assertEquals([download.id, download.size], [race.id, 3 * MIB]);
    body.release();
  }
  const { data: fill } = await nextEvent(events, ({ name }) => name === "fill");
  assertEquals([fill.id, fill.path, fill.outcome, fill.bytes, fill.upstream, fill.reason], [
    race.id,
    "/x.iso",
    "stored",
    3 * MIB,
    "toy",
    null,
  ]);
  await nextEvent(events, ({ name, data }) => name === "downloads" && data.length === 0);
  await events.return();
  await response.bytes();
});

Deno.test("a failed fill and its problem are told of, and a probe is no fill", async () => {
  await using origin = new Origin(statusAnswer(503));
  const upstreams = [{ server: origin.url, name: "toy" }];
  await using proxy = await TestProxy.start({ upstreams });
  const events = serverEvents(await fetch(`${proxy.adminUrl}/events`));
  await nextEvent(events, () => true);
  await proxy.get("/head", { method: "HEAD" });
  await proxy.get("/file");
  const fill = await nextEvent(events, ({ name }) => name === "fill");
  const { path, outcome, upstream, reason } = fill.data;
  assertEquals([path, outcome, upstream, reason], ["/file", "failed", null, "toy answered 503"]);
  const problem = await nextEvent(events, ({ name }) => name === "problem");
  assertEquals(problem.data.path, "/file");
  await events.return();
});

Deno.test("too many listeners are refused, and who leaves makes room", async () => {
  await using origin = new Origin(fileAnswer("hello"));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  const open: ReturnType<typeof serverEvents>[] = [];
  for (;;) {
    const response = await fetch(`${proxy.adminUrl}/events`);
    if (response.status === 503) {
      await response.body?.cancel();
      break;
    }
    const events = serverEvents(response);
    await nextEvent(events, () => true);
    open.push(events);
  }
  assertEquals(open.length, 32);
  await open.pop()?.return();
  for (;;) {
    const response = await fetch(`${proxy.adminUrl}/events`);
    await response.body?.cancel();
    if (response.status === 200) break;
  }
  for (const events of open) await events.return();
});

Deno.test("a proxy that stops ends the events", async () => {
  await using origin = new Origin(fileAnswer("hello"));
  const proxy = await TestProxy.start({ upstreams: [origin.url] });
  const events = serverEvents(await fetch(`${proxy.adminUrl}/events`));
  await nextEvent(events, () => true);
  await proxy[Symbol.asyncDispose]();
  assertEquals(await events.next(), { done: true, value: undefined });
});
