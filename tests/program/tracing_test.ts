import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { join } from "@std/path";
import { fileAnswer, statusAnswer } from "../support/answers.ts";
import { makeCertificate } from "../support/certificate.ts";
import { Gate } from "../support/gate.ts";
import { Origin } from "../support/origin.ts";
import { type ExportedSpan, OtlpReceiver } from "../support/otlp.ts";
import { ProgramUnderTest } from "../support/program_under_test.ts";
import { tempDir } from "../support/temp_dir.ts";

const INTERNAL = 1;
const SERVER = 2;
const ERROR = 2;

/** An upstream of the config. */
function toy(name: string, origin: Origin): Readonly<Record<string, string>> {
  return { server: origin.url, name };
}

/** What is below a span, by name. */
function below(otlp: OtlpReceiver, parent: ExportedSpan, name: string): ExportedSpan[] {
  return otlp.own.filter((span) => span.parentSpanId === parent.spanId && span.name === name);
}

/** What a span says of itself in our own words. */
function wordsOf({ attributes }: ExportedSpan): Readonly<Record<string, unknown>> {
  const own = Object.entries(attributes).filter(([name]) => name.startsWith("cache_proxy."));
  return Object.fromEntries(own.map(([name, value]) => [name.slice("cache_proxy.".length), value]));
}

/** A request's span by its path and how it was answered. */
function isRequest(path: string, result: string): (span: ExportedSpan) => boolean {
  return ({ kind, attributes }) =>
    kind === SERVER && attributes["url.path"] === path &&
    attributes["cache_proxy.result"] === result;
}

Deno.test("a miss is a request with a fill with a race of contestants, in the caller's trace", async () => {
  await using otlp = new OtlpReceiver();
  await using quick = new Origin(fileAnswer("hello"));
  await using gone = new Origin(statusAnswer(500));
  const held = new Gate();
  await using slow = new Origin(async () => {
    await held.opened;
    return new Response("hello");
  });
  // The quick one answers when the other has failed and the slow one has been asked.
  quick.answer = async (request, raw) => {
    await gone.asked.reaches(1);
    await slow.asked.reaches(1);
    return fileAnswer("hello")(request, raw);
  };
  const upstream = [toy("quick", quick), toy("gone", gone), toy("slow", slow)];
  const env = { ...otlp.env, OTEL_SERVICE_NAME: "cache-proxy" };
  await using program = await ProgramUnderTest.start({ config: { upstream }, env });
  const traceId = "11111111111111111111111111111111";
  const headers = { traceparent: `00-${traceId}-2222222222222222-01` };
  const response = await program.fetch("/pool/hello.deb?sig=s3cr3t", { headers });
  assertEquals(await response.text(), "hello");
  held.open();

  const fill = await otlp.span(({ name }) => name === "fill");
  const request = await otlp.span(isRequest("/pool/hello.deb", "MISS"));
  assertEquals(otlp.resource["service.name"], "cache-proxy");
  assertEquals([request.traceId, request.parentSpanId], [traceId, "2222222222222222"]);
  assertEquals(request.name, "GET");
  assertEquals(request.attributes, {
    "http.request.method": "GET",
    "url.scheme": "http",
    "url.path": "/pool/hello.deb",
    "server.address": "127.0.0.1",
    "server.port": program.port,
    "client.address": "127.0.0.1",
    "http.response.status_code": 200,
    "cache_proxy.result": "MISS",
    "cache_proxy.upstream": "quick",
    "cache_proxy.bytes": 5,
  });
  assertEquals([fill.traceId, fill.parentSpanId, fill.kind], [traceId, request.spanId, INTERNAL]);
  assertEquals(wordsOf(fill), {
    key: "/pool/hello.deb",
    purpose: "fill",
    outcome: "stored",
    upstream: "quick",
    bytes: 5,
  });
  await otlp.span(({ name }) => name === "race");
  const [race, ...others] = below(otlp, fill, "race");
  assert(race !== undefined);
  assertEquals([others.length, wordsOf(race)], [0, { role: "race", upstream: "quick" }]);
  for (const name of ["quick", "gone", "slow"]) {
    await otlp.span((span) => wordsOf(span)["upstream"] === name && span.name === "contestant");
  }
  const contestants = new Map(
    below(otlp, race, "contestant").map((span) => [wordsOf(span)["upstream"], span]),
  );
  const outcomes = [...contestants].map(([name, span]) => [name, wordsOf(span)["outcome"]]);
  assertEquals(outcomes.sort(), [["gone", "failed"], ["quick", "done"], ["slow", "lost"]]);
  const winner = contestants.get("quick");
  assertEquals(winner?.attributes, {
    "cache_proxy.upstream": "quick",
    "cache_proxy.role": "race",
    "http.request.method": "GET",
    "url.full": `${quick.url}/pool/hello.deb`,
    "server.address": "127.0.0.1",
    "server.port": Number(new URL(quick.url).port),
    "http.response.status_code": 200,
    "cache_proxy.outcome": "done",
    "cache_proxy.bytes": 5,
  });
  const failed = contestants.get("gone");
  assertEquals(failed?.attributes["error.type"], "500");
  assertEquals(failed?.attributes["http.response.status_code"], 500);
  assertEquals(failed?.status, { code: ERROR, message: "answered 500" });
  // To lose a race is no error, and nothing else here was one.
  const errors = otlp.own.filter(({ status }) => status.code === ERROR);
  assertEquals(errors.map(({ spanId }) => spanId), [failed?.spanId]);
  assertEquals(JSON.stringify(otlp.own).includes("s3cr3t"), false);
  for (const { startTimeUnixNano: start, endTimeUnixNano: end } of otlp.own) {
    assert(BigInt(start) <= BigInt(end) && BigInt(start) > 1_700_000_000_000_000_000n);
  }
});

Deno.test("a hit is a request alone, and has a trace of its own", async () => {
  await using otlp = new OtlpReceiver();
  await using origin = new Origin(fileAnswer("hello"));
  const config = { upstream: [toy("toy", origin)] };
  await using program = await ProgramUnderTest.start({ config, env: otlp.env });
  await (await program.fetch("/file")).text();
  await program.stored("/file");
  await (await program.fetch("/file")).text();
  const miss = await otlp.span(isRequest("/file", "MISS"));
  const hit = await otlp.span(isRequest("/file", "HIT"));
  assertNotEquals(hit.traceId, miss.traceId);
  assertEquals(wordsOf(hit), { result: "HIT", upstream: "toy", bytes: 5 });
  assertEquals(otlp.own.filter(({ parentSpanId }) => parentSpanId === hit.spanId), []);
});

Deno.test("who joins a download has a link to it", async () => {
  await using otlp = new OtlpReceiver();
  const held = new Gate();
  await using origin = new Origin(() => {
    const encoder = new TextEncoder();
    const body = new ReadableStream<Uint8Array>({
      async start(controller) {
        controller.enqueue(encoder.encode("hello"));
        await held.opened;
        controller.enqueue(encoder.encode("world"));
        controller.close();
      },
    });
    return new Response(body, { headers: { "content-length": "10" } });
  });
  const config = { upstream: [toy("toy", origin)] };
  await using program = await ProgramUnderTest.start({ config, env: otlp.env });
  const first = await program.fetch("/file");
  const second = await program.fetch("/file");
  assertEquals(second.headers.get("x-cache"), "JOINED");
  held.open();
  await Promise.all([first.text(), second.text()]);
  const fill = await otlp.span(({ name }) => name === "fill");
  const joined = await otlp.span(isRequest("/file", "JOINED"));
  assertEquals(joined.links.map(({ spanId }) => spanId), [fill.spanId]);
  assertNotEquals(joined.traceId, fill.traceId);
});

Deno.test("where no upstream delivers, request, fill and race are errors, each with its kind", async () => {
  await using otlp = new OtlpReceiver();
  await using origin = new Origin(statusAnswer(503));
  const config = { upstream: [toy("toy", origin)] };
  await using program = await ProgramUnderTest.start({ config, env: otlp.env });
  await (await program.fetch("/file")).text();
  const request = await otlp.span(isRequest("/file", "MISS"));
  const fill = await otlp.span(({ name }) => name === "fill");
  const race = await otlp.span(({ name }) => name === "race");
  const contestant = await otlp.span(({ name }) => name === "contestant");
  const errors = [request, fill, race, contestant].map((
    { status, attributes },
  ) => [status.code, attributes["error.type"]]);
  assertEquals(errors, [[ERROR, "502"], [ERROR, "failed"], [ERROR, "no-winner"], [ERROR, "503"]]);
  assertEquals(request.attributes["http.response.status_code"], 502);
});

Deno.test("a file that no mirror has is no error of the request", async () => {
  await using otlp = new OtlpReceiver();
  await using origin = new Origin(statusAnswer(404));
  const config = { upstream: [toy("toy", origin)] };
  await using program = await ProgramUnderTest.start({ config, env: otlp.env });
  await (await program.fetch("/file")).text();
  const request = await otlp.span(isRequest("/file", "MISS"));
  assertEquals([request.attributes["http.response.status_code"], request.status.code], [404, 0]);
});

Deno.test("what has been going on is exported when the program ends", async () => {
  await using otlp = new OtlpReceiver();
  await using origin = new Origin(fileAnswer("hello"));
  const config = { upstream: [toy("toy", origin)] };
  const env = { ...otlp.env, OTEL_BSP_SCHEDULE_DELAY: "60000" };
  await using program = await ProgramUnderTest.start({ config, env });
  await (await program.fetch("/file")).text();
  program.kill("SIGTERM");
  assertEquals((await program.ended).code, 0);
  await otlp.span(isRequest("/file", "MISS"));
});

Deno.test("over HTTP/2 the runtime's own span of the request is above ours", async () => {
  await using otlp = new OtlpReceiver();
  await using folder = await tempDir();
  const cert = join(folder.path, "cert.pem");
  const key = join(folder.path, "key.pem");
  await makeCertificate(cert, key);
  await using origin = new Origin(fileAnswer("hello"));
  const listen = { address: "127.0.0.1", port: 0, tls: { cert, key } };
  const config = { listen, upstream: [toy("toy", origin)] };
  await using program = await ProgramUnderTest.start({ config, env: otlp.env });
  using client = Deno.createHttpClient({ caCerts: [await Deno.readTextFile(cert)] });
  await (await program.fetch("/file", { client })).text();
  const request = await otlp.span(({ attributes }) => attributes["url.path"] === "/file");
  assertEquals([request.kind, request.attributes["url.scheme"]], [INTERNAL, "https"]);
  program.kill("SIGTERM");
  await program.ended;
  const above = otlp.spans.find(({ spanId }) => spanId === request.parentSpanId);
  assertEquals([above?.scope, above?.kind], ["deno", SERVER]);
});
