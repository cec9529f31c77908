import { assertEquals, assertRejects } from "@std/assert";
import { readSome, textOf } from "../support/body.ts";
import { Gate } from "../support/gate.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { type RawExchange, RawOrigin } from "../support/origin.ts";
import { RawClient } from "../support/raw_client.ts";
import { TestProxy } from "../support/test_proxy.ts";

/** Bodies that break off after `hello`, as soon as the gate opens. */
const BREAKS: [name: string, (exchange: RawExchange, gate: Gate) => Promise<void>][] = [
  ["a body of known length", async ({ write, close }, gate) => {
    await write("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nhello");
    await gate.opened;
    close();
  }],
  ["a chunked body, between chunks", async ({ write, close }, gate) => {
    await write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    await gate.opened;
    close();
  }],
  ["a chunked body, within a chunk", async ({ write, close }, gate) => {
    await write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n99\r\nhello");
    await gate.opened;
    close();
  }],
  ["a chunked body, by nonsense", async ({ write }, gate) => {
    await write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    await gate.opened;
    await write("nonsense\r\n\r\n");
  }],
];

for (const [name, script] of BREAKS) {
  Deno.test(`FIELD: a truncated file served or cached: ${name}`, async () => {
    const gate = new Gate();
    await using origin = new RawOrigin((exchange) => script(exchange, gate));
    await using proxy = await TestProxy.start({ upstreams: [origin.url] });
    const responses = [
      await proxy.fetch("/x"),
      await proxy.fetch("/x"),
      await proxy.fetch("/x", { headers: { range: "bytes=0-4" } }),
    ];
    const late = proxy.fetch("/x", { headers: { range: "bytes=90-99" } });
    const readers = responses.map(({ body }) => body?.getReader());
    for (const reader of readers) {
      if (reader === undefined) throw new Error("There is no body");
      assertEquals(textOf(await readSome(reader, 5)), "hello");
    }
    gate.open();
    const [leader, joiner, range] = readers;
    await assertRejects(async () => await leader?.read());
    await assertRejects(async () => await joiner?.read());
    assertEquals((await range?.read())?.done, true);
    // Whoever had got nothing yet is answered by another attempt, which breaks off as well.
    await late.then(async (response) => {
      if (response.status === 206) await assertRejects(() => response.bytes());
      else assertEquals(response.status, 502);
      await response.body?.cancel().catch(() => {});
    });
    await proxy.assertNothingStored();
  });
}

Deno.test("a chunked client sees no clean end when the mirror breaks off", async () => {
  const gate = new Gate();
  await using origin = new RawOrigin(async ({ write, close }) => {
    await write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    await gate.opened;
    close();
  });
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  using client = await RawClient.connect(proxy.port);
  await client.send("GET /x HTTP/1.1", "Host: x");
  let text = "";
  while (!text.includes("hello")) text += textOf(await client.receive(1));
  gate.open();
  text += textOf(await client.receive(Infinity));
  assertEquals(text.split("\r\n\r\n")[1], "5\r\nhello\r\n");
});

Deno.test("a body that ends with its connection is passed on, and never stored", async () => {
  await using origin = new RawOrigin(({ write }) => write("HTTP/1.0 200 OK\r\n\r\nhello"));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  for (let again = 0; again < 2; again++) {
    const { response, text } = await proxy.get("/x");
    assertEquals([text, response.headers.get("x-cache")], ["hello", "BYPASS"]);
  }
  await proxy.assertNothingStored();
});

Deno.test("bytes after the declared length are nobody's", async () => {
  await using origin = new RawOrigin(({ write }) =>
    write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, this is too much")
  );
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  for (const result of ["MISS", "HIT"]) {
    const { response, text } = await proxy.get("/x");
    assertEquals([text, response.headers.get("x-cache")], ["hello", result]);
    await proxy.settled();
  }
});

/** A mirror whose first body of 70,000 bytes breaks off before its end, once the gate is open. */
function breakingOnce(isFirst: () => boolean, gate: Gate): RawOrigin {
  return new RawOrigin(async ({ write }) => {
    await write("HTTP/1.1 200 OK\r\nContent-Length: 70000\r\nConnection: close\r\n\r\n");
    const breaks = isFirst();
    await write("x".repeat(69_999));
    if (breaks) await gate.opened;
    else await write("x");
  });
}

Deno.test("a broken body leaves the stored copy as it was", async () => {
  const clock = new ManualClock();
  const gate = new Gate();
  let asked = 0;
  await using origin = breakingOnce(() => ++asked === 2, gate);
  await using proxy = await TestProxy.start({ upstreams: [origin.url], clock });
  await proxy.get("/x");
  await proxy.settled();
  clock.advance(2 * 3_600_000);
  const response = await proxy.fetch("/x");
  gate.open();
  await assertRejects(() => response.text());
  await proxy.settled();
  assertEquals(await Deno.readTextFile(proxy.file("x")), "x".repeat(70_000));
  assertEquals(proxy.storedKeys(), ["/x"]);
});

Deno.test("the next request after a broken body starts afresh", async () => {
  const gate = new Gate();
  let asked = 0;
  await using origin = breakingOnce(() => ++asked === 1, gate);
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  const response = await proxy.fetch("/x");
  gate.open();
  await assertRejects(() => response.text());
  await proxy.assertNothingStored();
  assertEquals((await proxy.get("/x")).text.length, 70_000);
  await proxy.settled();
  assertEquals((await proxy.get("/x")).response.headers.get("x-cache"), "HIT");
});
