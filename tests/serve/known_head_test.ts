import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { OpenBodies } from "../../src/server/body_stream.ts";
import { framingOf, isPersistent } from "../../src/server/http1/framing.ts";
import { Http1Server } from "../../src/server/http1/http1_server.ts";
import { type ReadHead, readHead } from "../../src/server/http1/known_head.ts";
import { parseHead } from "../../src/server/http1/request_head.ts";
import { systemClock } from "../../src/main/system_clock.ts";

function latin1(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** All that is made of a head, in a form that compares. */
function plain(read: ReturnType<typeof readHead>): unknown {
  if ("status" in read) return read;
  const { head: { method, target, minor, fields }, framing, persists } = read;
  return { method, target, minor, fields: [...fields], framing, persists };
}

/** The same without anything that was read before. */
function readAnew(bytes: Uint8Array): unknown {
  const head = parseHead(bytes);
  if ("status" in head) return head;
  const framing = framingOf(head);
  if ("status" in framing) return framing;
  const hosts = head.fields.lines("host").length;
  if (hosts > 1 || (hosts === 0 && head.minor === 1)) {
    return { status: 400, reason: "Cannot read the request: it takes one Host field" };
  }
  return plain({ head, framing, persists: isPersistent(head), bytes: null });
}

const lines = fc.constantFrom(
  "GET /a HTTP/1.1",
  "GET /b HTTP/1.1",
  "GET /aa HTTP/1.1",
  "HEAD /a HTTP/1.1",
  "GET /a HTTP/1.0",
  "GET /a\rb HTTP/1.1",
  "GET /\xe4 HTTP/1.1",
  "GET  /a HTTP/1.1",
  "POST /a HTTP/1.1",
);
const fields = fc.array(
  fc.constantFrom(
    "Host: a",
    "Host: b",
    "host: a",
    "Range: bytes=0-1",
    'If-None-Match: "1"',
    'If-None-Match: "2"',
    "Connection: close",
    "Content-Length: 1",
    "Content-Length: x",
    "Authorization: secret",
    `X-Long: ${"x".repeat(1100)}`,
    "no field",
  ),
  { maxLength: 4 },
);
const heads = fc.tuple(lines, fields).map(([line, rest]) => [line, ...rest].join("\r\n"));

Deno.test("what is made of a head is a function of its bytes, whatever came before", () => {
  let shared = 0;
  fc.assert(
    fc.property(fc.array(heads, { minLength: 1, maxLength: 12 }), (sequence) => {
      let before: ReadHead | null = null;
      for (const text of sequence) {
        const bytes = latin1(text);
        const read = readHead(bytes, before);
        assertEquals(plain(read), readAnew(bytes), text);
        // The buffer serves for the next head.
        bytes.fill(120);
        if ("status" in read) continue;
        if (read.head.fields === before?.head.fields) shared++;
        before = read;
      }
    }),
    { numRuns: 500 },
  );
  assert(shared > 0, "no fields were shared: nothing was tested");
});

Deno.test("a head is kept as it came, up to a length", () => {
  const text = "GET /a HTTP/1.1\r\nHost: x";
  const read = readHead(latin1(text), null);
  assert("head" in read);
  assertEquals(read.bytes, latin1(`${text}\r\n\r\n`));
  const long = readHead(latin1(`${text}\r\nA: ${"a".repeat(1100)}`), null);
  assert("head" in long);
  assertEquals(long.bytes, null);
});

/** A server that says what it was asked, by the quick way where the target says so. */
function echo(): { server: Http1Server; port: number } & AsyncDisposable {
  const say = (method: string, target: string, fields: Iterable<readonly [string, string]>) =>
    latin1(`${method} ${target} ${[...fields].map((field) => field.join("=")).join("|")}`);
  const server = new Http1Server({
    hostname: "127.0.0.1",
    port: 0,
    openBodies: new OpenBodies(systemClock),
    handler: {
      quick({ method, target, headers }) {
        if (!target.startsWith("/quick")) return null;
        const body = say(method, target, headers);
        return [latin1(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n`), body];
      },
      handle({ method, url, headers }) {
        const body = say(method, new URL(url).pathname, headers);
        const rest = { onBytes: () => {}, onEnd: () => {} };
        return Promise.resolve({ status: 200, headers: new Headers(), body, ...rest });
      },
    },
  });
  return {
    server,
    port: server.addr.port,
    async [Symbol.asyncDispose](): Promise<void> {
      server.closeAll();
      await server.shutdown();
    },
  };
}

/** Sends requests on one connection, cut into pieces of so many bytes; the bodies of the answers. */
async function ask(port: number, requests: readonly string[], piece: number): Promise<string[]> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  conn.setNoDelay(true);
  const all = latin1(requests.join(""));
  const sending = (async () => {
    for (let at = 0; at < all.length; at += piece) await conn.write(all.subarray(at, at + piece));
  })();
  const decoder = new TextDecoder("latin1");
  const buffer = new Uint8Array(4096);
  const bodies: string[] = [];
  let text = "";
  while (bodies.length < requests.length) {
    const count = await conn.read(buffer);
    assert(count !== null, `the connection ended after ${bodies.length} answers`);
    text += decoder.decode(buffer.subarray(0, count));
    for (;;) {
      const end = text.indexOf("\r\n\r\n");
      const length = Number(/content-length: (\d+)/.exec(text.slice(0, end))?.[1]);
      if (end === -1 || text.length < end + 4 + length) break;
      bodies.push(text.slice(end + 4, end + 4 + length));
      text = text.slice(end + 4 + length);
    }
  }
  await sending;
  return bodies;
}

Deno.test("requests of one connection do not get into each other, however they are cut", async () => {
  await using held = echo();
  const table: [head: string, expected: string][] = [
    ["GET /quick/a HTTP/1.1\r\nHost: x", "GET /quick/a host=x"],
    ["GET /quick/a HTTP/1.1\r\nHost: x", "GET /quick/a host=x"],
    ["GET /quick/b HTTP/1.1\r\nHost: x", "GET /quick/b host=x"],
    ["GET /quick/b HTTP/1.1\r\nHost: y", "GET /quick/b host=y"],
    ["GET /slow HTTP/1.1\r\nHost: y", "GET /slow host=y"],
    ["GET /slow HTTP/1.1\r\nHost: y", "GET /slow host=y"],
    ["GET /slow HTTP/1.1\r\nHost: y\r\nA: 1", "GET /slow host=y|a=1"],
    ["GET /quick/b HTTP/1.1\r\nHost: y\r\nA: 1", "GET /quick/b host=y|a=1"],
    ["GET /quick/b HTTP/1.1\r\nHost: y\r\nA: 12", "GET /quick/b host=y|a=12"],
    ["GET /quick/b HTTP/1.1\r\nHost: y\r\nA: 1", "GET /quick/b host=y|a=1"],
    ["PUT /quick/b HTTP/1.1\r\nHost: y\r\nA: 1", "PUT /quick/b host=y|a=1"],
  ];
  const requests = table.map(([head]) => `${head}\r\n\r\n`);
  const expected = table.map(([, body]) => body);
  for (const piece of [1, 2, 3, 7, 26, 27, 28, 29, 64, 10_000]) {
    assertEquals(await ask(held.port, requests, piece), expected, `pieces of ${piece}`);
  }
});

Deno.test("a connection knows nothing of the one before it", async () => {
  await using held = echo();
  const secret = "GET /quick/a HTTP/1.1\r\nHost: x\r\nAuthorization: secret\r\n\r\n";
  for (let times = 0; times < 5; times++) {
    assertEquals(await ask(held.port, [secret], 10_000), [
      "GET /quick/a host=x|authorization=secret",
    ]);
    // What is sent is the beginning of what is known, and ends where that goes on.
    const other = "GET /quick/a HTTP/1.1\r\nHost: x\r\n\r\n";
    assertEquals(await ask(held.port, [other, other], 10_000), [
      "GET /quick/a host=x",
      "GET /quick/a host=x",
    ]);
  }
});
