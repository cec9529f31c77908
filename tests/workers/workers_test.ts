import { assert, assertEquals } from "@std/assert";
import { fileAnswer } from "../support/answers.ts";
import { assertSameBytes, randomBytes, readAll, readSome, textOf } from "../support/body.ts";
import { GatedBody } from "../support/gated_body.ts";
import { settle } from "../support/gate.ts";
import { CAN_LIST_OPEN_FILES, openFiles } from "../support/open_files.ts";
import { Origin } from "../support/origin.ts";
import { rawRequest } from "../support/raw_client.ts";
import { TestProxy } from "../support/test_proxy.ts";

const MIB = 1024 * 1024;

/** Enough that the system gives both workers some of them: one gets all once in 2^39 times. */
const MANY = 40;

const TWO = { workers: 2 };

/** Asks over connections of their own, which the system deals out to the workers. */
async function askAll(proxy: TestProxy, path: string): Promise<string[]> {
  return await Promise.all(Array.from({ length: MANY }, async () => {
    const { headers, body } = await rawRequest(proxy.port, `GET ${path} HTTP/1.1`, "Host: x");
    return `${headers.get("x-cache")} ${textOf(body)}`;
  }));
}

/** The bodies as streams, over connections of their own. */
async function begin(proxy: TestProxy, count: number, path: string) {
  return await Promise.all(Array.from({ length: count }, async () => {
    using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
    const { body } = await proxy.fetch(path, { client } as RequestInit);
    if (body === null) throw new Error("There is no body");
    return body;
  }));
}

async function metric(proxy: TestProxy, series: string): Promise<number> {
  const text = await (await fetch(`${proxy.adminUrl}/metrics`)).text();
  const line = text.split("\n").find((it) => it.startsWith(`${series} `));
  return Number(line?.slice(series.length + 1));
}

Deno.test("100 clients of two workers on one cold file make one download", async () => {
  const all = randomBytes(4 * MIB);
  await using origin = new Origin(fileAnswer(all));
  await using proxy = await TestProxy.start({ upstreams: [origin.url], config: TWO });
  const bodies = await begin(proxy, 100, "/x");
  for (const body of await Promise.all(bodies.map(readAll))) assertSameBytes(body, all);
  await proxy.settled();
  assertEquals(origin.seen.length, 1);
});

Deno.test("each worker answers from its own memory, and what it counts is in the metrics", async () => {
  await using origin = new Origin(fileAnswer("hello"));
  await using proxy = await TestProxy.start({ upstreams: [origin.url], config: TWO });
  await proxy.get("/x");
  await proxy.settled();
  let hits = 0;
  // A file that has gone is missed within a second, which may be the one that ends just then.
  for (let tries = 0; tries < 10; tries++) {
    // Once to get it into memory, and once from there, where the file is looked at.
    for (let time = 0; time < 2; time++) {
      hits += (await askAll(proxy, "/x")).filter((it) => it === "HIT hello").length;
    }
    await Deno.rename(proxy.file("x"), proxy.file("y"));
    const results = await askAll(proxy, "/x");
    hits += results.filter((it) => it === "HIT hello").length;
    assertEquals(
      await metric(proxy, `cache_proxy_requests_total{result="HIT",status="2xx"}`),
      hits,
    );
    assertEquals(await metric(proxy, `cache_proxy_sent_bytes_total{result="HIT"}`), 5 * hits);
    if (results.every((it) => it === "HIT hello")) return;
    await proxy.settled();
  }
  throw new Error("No worker had the file in memory");
});

Deno.test("a purge and a reload reach all workers before they are answered", async () => {
  await using origin = new Origin(fileAnswer("old", { etag: '"1"' }));
  const upstreams = [origin.url];
  await using proxy = await TestProxy.start({ upstreams, config: TWO });
  for (const content of ["new", "newer", "newest"]) {
    await proxy.get("/x");
    await proxy.settled();
    await askAll(proxy, "/x");
    origin.answer = fileAnswer(content, { etag: `"${content}"` });
    const headers = { "x-cache-proxy": "1" };
    await (await fetch(`${proxy.adminUrl}/cache/x`, { method: "DELETE", headers })).body?.cancel();
    for (const result of await askAll(proxy, "/x")) {
      assertEquals(result.split(" ")[1], content);
    }
    await proxy.settled();
  }
  await askAll(proxy, "/x");
  proxy.reload({ upstreams, config: { ...TWO, cache: { timeout: "1ns" } } });
  for (const result of await askAll(proxy, "/x")) {
    assert(!result.startsWith("HIT"), result);
  }
});

Deno.test("a worker that dies costs its own connections, and another one takes its place", async () => {
  const pieces = [randomBytes(4 * MIB, 1), randomBytes(4 * MIB, 2)];
  const all = new Uint8Array(await new Blob(pieces).arrayBuffer());
  const body = new GatedBody(pieces);
  await using origin = new Origin(({ target }) =>
    target === "/x"
      ? new Response(body.stream, { headers: { "content-length": String(all.byteLength) } })
      : new Response("hello")
  );
  await using proxy = await TestProxy.start({ upstreams: [origin.url], config: TWO });
  const { workers } = proxy;
  assert(workers !== null);
  const first = workers.size;
  const begun = await Promise.all((await begin(proxy, MANY, "/x")).map(async (body) => {
    const reader = body.getReader();
    return { reader, read: (await readSome(reader, 1)).byteLength };
  }));
  workers.crash();
  while (workers.deaths === 0 || workers.size < first) await settle();
  body.release();
  let whole = 0;
  for (const { reader, read } of begun) {
    try {
      let bytes = read;
      for (let it = await reader.read(); !it.done; it = await reader.read()) {
        bytes += it.value.byteLength;
      }
      assertEquals(bytes, all.byteLength);
      whole++;
    } catch (error) {
      assert(error instanceof Error && !error.message.includes("Values are not equal"), `${error}`);
    }
  }
  assert(whole > 0 && whole < MANY, `${whole} of ${MANY} went on`);
  await proxy.settled();
  assertEquals(origin.seen.length, 1);
  assertSameBytes(await Deno.readFile(proxy.file("x")), all);
  for (const result of await askAll(proxy, "/y")) assertEquals(result.split(" ")[1], "hello");
  assertEquals(await metric(proxy, "cache_proxy_worker_deaths_total"), 1);
  assertEquals(await metric(proxy, "cache_proxy_serving_workers"), 2);
  assertEquals(await metric(proxy, "cache_proxy_joiners_active"), 0);
  while (await metric(proxy, "cache_proxy_transfers_active") > 0);
  if (!CAN_LIST_OPEN_FILES) return;
  while ((await openFiles(proxy.dataDir)).length > 0) await settle();
});

Deno.test("a port that something else has is refused, though several could share it", async () => {
  await using origin = new Origin(fileAnswer("hello"));
  const upstreams = [origin.url];
  await using proxy = await TestProxy.start({ upstreams, config: TWO });
  const listen = { address: "127.0.0.1", port: proxy.port };
  const message = await TestProxy.start({ upstreams, config: { ...TWO, listen } })
    .then(() => "started", (error) => String(error));
  assert(message.includes("something else does"), message);
});
