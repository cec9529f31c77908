import { assertEquals, assertRejects } from "@std/assert";
import { UpstreamError } from "../../src/errors.ts";
import type { AnswerBody } from "../../src/fill/answer_body.ts";
import { MirrorClient } from "../../src/fill/mirror_client.ts";
import type { RawAnswer } from "../../src/fill/mirror_connection.ts";
import { requestText } from "../../src/fill/request_text.ts";
import { type RawExchange, RawOrigin } from "../support/origin.ts";

const NEVER = new AbortController().signal;

async function ask(
  client: MirrorClient,
  origin: RawOrigin,
  { method = "GET", signal = NEVER } = {},
): Promise<RawAnswer> {
  const url = new URL(origin.url);
  const address = { hostname: url.hostname, port: Number(url.port) };
  return await client.ask(address, method, requestText(method, url, []), signal);
}

async function textOf(body: AnswerBody | null): Promise<string> {
  let text = "";
  for (;;) {
    const piece = await body?.read() ?? null;
    if (piece === null) return text;
    text += new TextDecoder().decode(piece);
  }
}

/** Answers each request of a connection with the next of the texts. */
function answering(...texts: readonly string[]): RawOrigin {
  let next = 0;
  return new RawOrigin(async ({ write, conn }) => {
    const buffer = new Uint8Array(4096);
    do await write(texts[next++ % texts.length] ?? ""); while (await conn.read(buffer) !== null);
  });
}

const OK = "HTTP/1.1 200 OK\r\n";
const HELLO = `${OK}Content-Length: 5\r\n\r\nhello`;

Deno.test("requests follow each other on one connection, whatever the framing", async () => {
  await using origin = answering(
    HELLO,
    `${OK}Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\nA: b\r\n\r\n`,
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + HELLO,
    `${OK}Content-Length: 0\r\n\r\n`,
    "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
  );
  using client = new MirrorClient();
  for (const expected of ["hello", "hello", "hello", "", ""]) {
    assertEquals(await textOf((await ask(client, origin)).body), expected);
  }
  // Only the first request of each connection has a head of its own here.
  assertEquals(origin.heads.length, 1);
});

Deno.test("a body that ends with its connection is read to there", async () => {
  await using origin = new RawOrigin(({ write }) => write(`${OK}\r\nhello`));
  using client = new MirrorClient();
  for (let n = 0; n < 2; n++) assertEquals(await textOf((await ask(client, origin)).body), "hello");
  assertEquals(origin.heads.length, 2);
});

Deno.test("a large body comes whole, in pieces that are the reader's to keep", async () => {
  const size = 3_000_000;
  await using origin = new RawOrigin(({ write }) =>
    write(`${OK}Content-Length: ${size}\r\n\r\n${"0123456789".repeat(size / 10)}`)
  );
  using client = new MirrorClient();
  const { body } = await ask(client, origin);
  const pieces: Uint8Array[] = [];
  for (let piece = await body?.read(); piece; piece = await body?.read()) pieces.push(piece);
  let at = 0;
  for (const piece of pieces) {
    for (const byte of piece) if (byte !== 48 + at++ % 10) throw new Error();
  }
  assertEquals(at, size);
});

Deno.test("what a mirror sends unasked is no answer to the next request", async () => {
  let connections = 0;
  await using origin = new RawOrigin(async ({ write, closedByPeer }) => {
    await write(connections++ === 0 ? `${HELLO}${OK}Content-Length: 3\r\n\r\nbad` : HELLO);
    await closedByPeer();
  });
  using client = new MirrorClient();
  for (let n = 0; n < 2; n++) assertEquals(await textOf((await ask(client, origin)).body), "hello");
  assertEquals(connections, 2);
});

const NONSENSE: [name: string, text: string][] = [
  ["two lengths", `${OK}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`],
  ["a length and chunks", `${OK}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  ["an endless head", `${OK}${"a: b\r\n".repeat(20_000)}`],
  ["no HTTP", "220 mail.test ESMTP\r\n\r\n"],
  ["a head that is cut", `${OK}Content-Le`],
  ["another protocol", "HTTP/1.1 101 Switching Protocols\r\n\r\n"],
  ["interim answers without end", "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(50)],
  ["silence", ""],
];

for (const [name, text] of NONSENSE) {
  Deno.test(`an answer with ${name} is the mirror's failure`, async () => {
    await using origin = new RawOrigin(({ write }) => write(text));
    using client = new MirrorClient();
    const error = await assertRejects(() => ask(client, origin), UpstreamError);
    assertEquals(error.reason.kind, "network");
  });
}

Deno.test("a body that breaks off or has bad chunks does not end", async () => {
  const bodies = [
    `${OK}Content-Length: 6\r\n\r\nhello`,
    `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`,
    `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nx\r\n`,
  ];
  for (const text of bodies) {
    await using origin = new RawOrigin(({ write }) => write(text));
    using client = new MirrorClient();
    const { body } = await ask(client, origin);
    await assertRejects(() => textOf(body));
  }
});

Deno.test("an abort ends the wait for a head, and a cancel the body", async () => {
  const hang = ({ closedByPeer }: RawExchange): Promise<void> => closedByPeer();
  await using silent = new RawOrigin(hang);
  using client = new MirrorClient();
  const controller = new AbortController();
  const asking = ask(client, silent, { signal: controller.signal });
  await silent.asked.reaches(1);
  controller.abort(new UpstreamError({ kind: "timeout", afterMs: 1 }));
  assertEquals((await assertRejects(() => asking, UpstreamError)).reason.kind, "timeout");
  await silent.idle();
  await using slow = new RawOrigin(async (exchange) => {
    await exchange.write(`${OK}Content-Length: 6\r\n\r\nhello`);
    await hang(exchange);
  });
  const { body } = await ask(client, slow);
  await body?.cancel();
  await slow.idle();
});

Deno.test("nobody there is a failure with its reason", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  using client = new MirrorClient();
  const url = new URL(`http://127.0.0.1:${port}/`);
  const asking = client.ask(
    { hostname: "127.0.0.1", port },
    "GET",
    requestText("GET", url, []),
    NEVER,
  );
  const { reason } = await assertRejects(() => asking, UpstreamError);
  assertEquals(reason, { kind: "network", detail: "Connection refused" });
});

Deno.test("a field that would begin another one is not sent", async () => {
  const url = new URL("http://127.0.0.1/");
  for (const value of ["a\r\nb: c", "a\nb", "a\0b", "\u0100"]) {
    await assertRejects(async () => await requestText("GET", url, [["x", value]]), TypeError);
  }
});
