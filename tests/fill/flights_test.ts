import { assert, assertEquals, assertRejects } from "@std/assert";
import type { FillRequest } from "../../src/fill/fill.ts";
import { fileAnswer, statusAnswer } from "../support/answers.ts";
import { readAll, textOf } from "../support/body.ts";
import { target } from "../support/facts.ts";
import { FaultyDisk, FaultyDiskProxy } from "../support/faulty_disk.ts";
import { GatedBody } from "../support/gated_body.ts";
import { bytesOf } from "../support/body.ts";
import { Origin } from "../support/origin.ts";

const ALWAYS = { revalidates: true, byDirectives: null, unstorable: null };

function request(facts: Partial<FillRequest> = {}): FillRequest {
  return { target: target("/x"), known: null, wantsLead: true, alone: false, ...ALWAYS, ...facts };
}

Deno.test("who asks for what somebody else has filled meanwhile gets that", async () => {
  await using origin = new Origin(fileAnswer("hello"));
  await using proxy = await FaultyDiskProxy.start(new FaultyDisk(), [origin.url]);
  const first = proxy.flights.fill(request());
  assertEquals((await first.head).kind, "filling");
  await first.takeLead()?.cancel();
  await proxy.flights.drained();
  // This one had looked before the first one was done.
  const second = proxy.flights.fill(request());
  const head = await second.head;
  assert(head.kind === "stored");
  assertEquals([head.entry.key, second.takeLead(), second.claimRest()], ["/x", null, null]);
  assertEquals(origin.seen.length, 1);
  // Who knows that copy wants it revalidated.
  const third = await proxy.flights.fill(request({ known: head.entry, wantsLead: false })).head;
  assertEquals(third.kind, "filling");
  await proxy.flights.drained();
  assertEquals(origin.seen.length, 2);
});

Deno.test("one flight a key, whoever asks; who wants to be alone is", async () => {
  const body = new GatedBody([bytesOf("hel"), bytesOf("lo")]);
  await using origin = new Origin(() => new Response(body.stream));
  await using proxy = await FaultyDiskProxy.start(new FaultyDisk(), [origin.url]);
  const leader = proxy.flights.fill(request());
  const joiner = proxy.flights.fill(request());
  assertEquals([leader.role, joiner.role, proxy.flights.underWay], ["leader", "joiner", 1]);
  await origin.asked.reaches(1);
  origin.answer = fileAnswer("alone");
  const alone = proxy.flights.fill(request({ alone: true }));
  assertEquals([alone.role, proxy.flights.underWay], ["leader", 2]);
  await leader.head;
  const lead = leader.takeLead();
  assertEquals([joiner.takeLead(), leader.takeLead()], [null, null]);
  body.release();
  assertEquals(textOf(await readAll(lead)), "hello");
  // A small one that came at once is here whole.
  const head = await alone.head;
  assert(head.kind === "filling" && head.body !== undefined);
  assertEquals(textOf(head.body), "alone");
});

Deno.test("a flight that came to nothing makes room for the next one", async () => {
  await using origin = new Origin(statusAnswer(500));
  await using proxy = await FaultyDiskProxy.start(new FaultyDisk(), [origin.url]);
  const failed = await proxy.flights.fill(request()).head;
  assert(failed.kind === "failed");
  assertEquals(failed.failures.map(({ reason }) => reason), [{ kind: "status", status: 500 }]);
  await proxy.flights.drained();
  origin.answer = fileAnswer("hello");
  const next = proxy.flights.fill(request());
  assertEquals([(await next.head).kind, next.role], ["filling", "leader"]);
  await next.takeLead()?.cancel();
});

Deno.test("after the end of all flights nothing new starts", async () => {
  const body = new GatedBody([bytesOf("hel"), bytesOf("lo")]);
  await using origin = new Origin(() => new Response(body.stream));
  await using proxy = await FaultyDiskProxy.start(new FaultyDisk(), [origin.url]);
  const leader = proxy.flights.fill(request());
  await leader.head;
  await proxy.flights.abortAll();
  const refused = { kind: "refused", reason: "shutting-down" } as const;
  const other = request({ target: target("/other") });
  assertEquals(await proxy.flights.fill(other).head, refused);
  assertEquals(await proxy.flights.probe(target("/other"), null), refused);
  await assertRejects(() => readAll(leader.takeLead()));
  assertEquals(proxy.storage.find("/x"), null);
});

Deno.test("the head of what is under way answers a question for the head alone", async () => {
  const body = new GatedBody([bytesOf("hel"), bytesOf("lo")]);
  await using origin = new Origin(() => new Response(body.stream, { headers: { etag: '"v"' } }));
  await using proxy = await FaultyDiskProxy.start(new FaultyDisk(), [origin.url]);
  const leader = proxy.flights.fill(request());
  const probed = await proxy.flights.probe(target("/x"), null);
  assert(probed.kind === "head");
  assertEquals([probed.head.etag, origin.count("HEAD")], ['"v"', 0]);
  await leader.takeLead()?.cancel();
  body.release();
});
