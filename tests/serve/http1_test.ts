import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { OpenBodies } from "../../src/server/body_stream.ts";
import type { ClientRequest } from "../../src/server/client_request.ts";
import { Http1Server } from "../../src/server/http1/http1_server.ts";
import type { Outgoing } from "../../src/server/outgoing.ts";
import { FilePart } from "../../src/storage/read_file.ts";
import { systemClock } from "../../src/main/system_clock.ts";
import { randomBytes } from "../support/body.ts";
import { Gate } from "../support/gate.ts";
import { rawRequest } from "../support/raw_request.ts";

const HOST = "Host: x\r\n";
const CLOSE = "Connection: close\r\n";

/** What a body came to. */
interface Ended {
  readonly bytes: number;
  readonly brokenBy: string | null;
}

/** A server whose answers the test gives. */
class Held implements AsyncDisposable {
  readonly ended: Ended[] = [];
  readonly openBodies = new OpenBodies(systemClock);
  readonly server: Http1Server;

  constructor(answer: (request: ClientRequest) => Promise<Answer> | Answer) {
    this.server = new Http1Server({
      hostname: "127.0.0.1",
      port: 0,
      openBodies: this.openBodies,
      handler: {
        quick: ({ target }) =>
          target === "/quick" ? [bytesOf("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")] : null,
        handle: async (request) => this.#outgoing(await answer(request)),
      },
    });
  }

  get port(): number {
    return this.server.addr.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.openBodies.cutAll();
    this.server.closeAll();
    await this.server.shutdown();
  }

  #outgoing({ status = 200, headers = {}, body }: Answer): Outgoing {
    return {
      status,
      headers: new Headers(headers),
      body: typeof body === "string" ? bytesOf(body) : body ?? null,
      onBytes: () => {},
      onEnd: (bytes, brokenBy) => void this.ended.push({ bytes, brokenBy }),
    };
  }
}

interface Answer {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body?: Outgoing["body"] | string;
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function streamOf(...pieces: readonly string[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(pieces.map(bytesOf));
}

/** Tells what was understood of a request. */
async function echo({ method, url, headers, body }: ClientRequest): Promise<Answer> {
  const text = body === null ? "none" : await new Response(body as BodyInit).text();
  const fields = [...headers].map(([name, value]) => `${name}=${value}`).join("|");
  return { body: `${method} ${url} ${fields} ${text}` };
}

Deno.test("what cannot be read in one way alone is refused, and the connection ends", async () => {
  await using held = new Held(echo);
  const table: [request: string, status: number][] = [
    ["GET /\r\n\r\n", 400],
    ["GET  / HTTP/1.1\r\n" + HOST + "\r\n", 400],
    ["GET / HTTP/1.1 \r\n" + HOST + "\r\n", 400],
    ["G ET / HTTP/1.1\r\n" + HOST + "\r\n", 400],
    ["G(T / HTTP/1.1\r\n" + HOST + "\r\n", 400],
    ["GET / HTTP/2.0\r\n" + HOST + "\r\n", 505],
    ["GET / HTTP/1.1\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\n" + HOST + HOST + "\r\n", 400],
    ["GET / HTTP/1.1\r\n" + HOST + "A : b\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\n" + HOST + "A: b\r\n c\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\n" + HOST + "no colon\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\n" + HOST + ": b\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\n" + HOST + "A: b\0c\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\n" + HOST + "A: b\nB: c\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\n" + HOST + "A: b\rc\r\n\r\n", 400],
    ["POST / HTTP/1.1\r\n" + HOST + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400],
    ["POST / HTTP/1.1\r\n" + HOST + "Content-Length: +1\r\n\r\na", 400],
    ["POST / HTTP/1.1\r\n" + HOST + "Content-Length: 1, 1\r\n\r\na", 400],
    [
      "POST / HTTP/1.1\r\n" + HOST +
      "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      400,
    ],
    ["POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400],
    ["POST / HTTP/1.1\r\n" + HOST + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501],
    ["POST / HTTP/1.1\r\n" + HOST + "Expect: 200-ok\r\nContent-Length: 1\r\n\r\na", 417],
    [`GET / HTTP/1.1\r\n${HOST}${"A: b\r\n".repeat(100)}\r\n`, 431],
    [`GET / HTTP/1.1\r\n${HOST}A: ${"b".repeat(70_000)}\r\n\r\n`, 431],
  ];
  for (const [request, status] of table) {
    const answer = await rawRequest(held.port, request);
    assertEquals(answer.status, status, JSON.stringify(request.slice(0, 80)));
    assertStringIncludes(answer.head.toLowerCase(), "connection: close");
  }
});

Deno.test("a request is read as it was sent, in whatever pieces it comes", async () => {
  await using held = new Held(echo);
  const request = "\r\nPOST /a%20b/\xe4?q HTTP/1.1\r\nHost: h:1\r\nX-A:  1\t\r\nx-a: 2\r\n" +
    "Transfer-Encoding: Chunked\r\n" + CLOSE + "\r\n" +
    "3;ext=1\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: 1\r\n\r\n";
  const expected = "POST http://h:1/a%20b/%E4?q host=h:1|x-a=1, 2|transfer-encoding=Chunked|" +
    "connection=close abc0123456789";
  assertEquals((await rawRequest(held.port, request)).body, expected);
  using conn = await Deno.connect({ hostname: "127.0.0.1", port: held.port });
  conn.setNoDelay(true);
  for (const character of request) {
    await conn.write(Uint8Array.of(character.charCodeAt(0)));
  }
  assertStringIncludes(await readAll(conn), expected);
});

Deno.test("several requests on one connection are answered in their order", async () => {
  const gate = new Gate();
  await using held = new Held(async (request) => {
    if (request.url.endsWith("/slow")) await gate.opened;
    return { body: new URL(request.url).pathname };
  });
  using conn = await Deno.connect({ hostname: "127.0.0.1", port: held.port });
  const one = (path: string, fields = "") => `GET ${path} HTTP/1.1\r\n${HOST}${fields}\r\n`;
  await conn.write(bytesOf(one("/slow") + one("/quick") + one("/b") + one("/c", CLOSE)));
  gate.open();
  const text = await readAll(conn);
  const bodies = text.split("HTTP/1.1 200 OK").slice(1).map((it) => it.split("\r\n\r\n")[1]);
  assertEquals(bodies, ["/slow", "", "/b", "/c"]);
});

Deno.test("bodies of all kinds are framed so that their end is seen", async () => {
  const big = randomBytes(3 * 1024 * 1024 + 7);
  const file = await Deno.makeTempFile();
  await Deno.writeFile(file, big);
  const parts = async (): Promise<FilePart> => {
    const opened = await Deno.open(file);
    let isOpen = true;
    const open = {
      file: opened,
      [Symbol.dispose](): void {
        if (isOpen) opened.close();
        isOpen = false;
      },
    };
    return new FilePart(open, 5, big.byteLength - 2);
  };
  await using held = new Held(async ({ url }) => {
    switch (new URL(url).pathname) {
      case "/bytes":
        return { body: "hello" };
      case "/large":
        return { body: big };
      case "/file":
        return { body: await parts() };
      case "/stream":
        return { body: streamOf("hel", "", "lo") };
      case "/sized":
        return { body: streamOf("hel", "lo"), headers: { "content-length": "5" } };
      case "/204":
        return { status: 204, headers: { "content-length": "0" } };
      default:
        return { status: 404 };
    }
  });
  const url = `http://127.0.0.1:${held.port}`;
  for (const path of ["/bytes", "/stream", "/sized"]) {
    assertEquals(await (await fetch(url + path)).text(), "hello", path);
    const old = await rawRequest(held.port, `GET ${path} HTTP/1.0\r\n\r\n`);
    assertEquals(old.body, "hello", path);
    assert(!old.head.includes("transfer-encoding"), path);
    const head = await rawRequest(held.port, `HEAD ${path} HTTP/1.1\r\n${HOST}${CLOSE}\r\n`);
    assertEquals([head.status, head.body], [200, ""], path);
  }
  assertEquals(await (await fetch(`${url}/large`)).bytes(), big);
  assertEquals(await (await fetch(`${url}/file`)).bytes(), big.slice(5, -2));
  const empty = await rawRequest(held.port, `GET /204 HTTP/1.1\r\n${HOST}${CLOSE}\r\n`);
  assertEquals([empty.status, empty.head.includes("content-length")], [204, false]);
  const none = await rawRequest(held.port, `GET /404 HTTP/1.1\r\n${HOST}${CLOSE}\r\n`);
  assertStringIncludes(none.head, "content-length: 0");
  assert(held.ended.every(({ brokenBy }) => brokenBy === null));
  await Deno.remove(file);
});

Deno.test("a body that fails, or is not as long as declared, never looks whole", async () => {
  const failing = (): ReadableStream<Uint8Array> => {
    let pulls = 0;
    return new ReadableStream({
      pull(controller): void {
        if (pulls++ === 0) controller.enqueue(bytesOf("hel"));
        else controller.error(new Error("upstream broke off"));
      },
    });
  };
  const answers: Record<string, () => Answer> = {
    "/chunked": () => ({ body: failing() }),
    "/sized": () => ({ body: failing(), headers: { "content-length": "5" } }),
    "/short": () => ({ body: streamOf("hel"), headers: { "content-length": "5" } }),
    "/long": () => ({ body: streamOf("hel", "lo!"), headers: { "content-length": "5" } }),
  };
  await using held = new Held(({ url }) => answers[new URL(url).pathname]?.() ?? {});
  for (const path of Object.keys(answers)) {
    const response = await fetch(`http://127.0.0.1:${held.port}${path}`);
    const text = await response.text().catch(() => "broken");
    assertEquals(text, "broken", path);
  }
  assertEquals(held.ended.map(({ bytes }) => bytes), [3, 3, 3, 3]);
  assert(held.ended.every(({ brokenBy }) => brokenBy !== null));
});

Deno.test("a client that leaves is noticed while it waits and while nothing is sent", async () => {
  const left: string[] = [];
  const leaving = [new Gate(), new Gate()];
  const [asked, cancelled] = [new Gate(), new Gate()];
  await using held = new Held(async ({ url, signal }) => {
    const path = new URL(url).pathname;
    if (path === "/wait") {
      asked.open();
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      left.push(path);
      leaving[0]?.open();
      return {};
    }
    return {
      body: new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(bytesOf("first")),
        pull: () => new Promise<void>(() => {}),
        cancel: () => cancelled.open(),
      }),
    };
  });
  const first = await Deno.connect({ hostname: "127.0.0.1", port: held.port });
  await first.write(bytesOf(`GET /wait HTTP/1.1\r\n${HOST}\r\n`));
  await asked.opened;
  first.close();
  await leaving[0]?.opened;
  assertEquals(left, ["/wait"]);
  const second = await Deno.connect({ hostname: "127.0.0.1", port: held.port });
  await second.write(bytesOf(`GET /stream HTTP/1.1\r\n${HOST}\r\n`));
  await second.read(new Uint8Array(1000));
  second.close();
  await cancelled.opened;
  while (held.ended.length < 2) await new Promise<void>((resolve) => setTimeout(resolve));
  assertEquals(held.ended[1], { bytes: 5, brokenBy: "the client left" });
});

Deno.test("a shutdown lets answers end, closes what is idle, and takes nothing new", async () => {
  const [asked, gate] = [new Gate(), new Gate()];
  await using held = new Held(async () => {
    asked.open();
    await gate.opened;
    return { body: "whole" };
  });
  using idle = await Deno.connect({ hostname: "127.0.0.1", port: held.port });
  using busy = await Deno.connect({ hostname: "127.0.0.1", port: held.port });
  await busy.write(bytesOf(`GET / HTTP/1.1\r\n${HOST}\r\n`));
  await asked.opened;
  const stopped = held.server.shutdown();
  assertEquals(await readAll(idle), "");
  gate.open();
  const text = await readAll(busy);
  assertStringIncludes(text, "connection: close");
  assert(text.endsWith("whole"));
  await stopped;
  const refused = await Deno.connect({ hostname: "127.0.0.1", port: held.port })
    .then((conn) => conn.close(), () => "refused");
  assertEquals(refused, "refused");
});

Deno.test("the unread rest of a body ends the connection, and the answer arrives", async () => {
  await using held = new Held(() => ({ status: 405, body: "no" }));
  const body = "x".repeat(200_000);
  const request = `POST / HTTP/1.1\r\n${HOST}Content-Length: ${body.length}\r\n\r\n${body}`;
  const answer = await rawRequest(held.port, request);
  assertEquals([answer.status, answer.body], [405, "no"]);
  assertStringIncludes(answer.head, "connection: close");
});

async function readAll(conn: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(16 * 1024);
  const decoder = new TextDecoder("latin1");
  let text = "";
  for (;;) {
    const count = await conn.read(buffer).catch(() => null);
    if (count === null) return text;
    text += decoder.decode(buffer.subarray(0, count));
  }
}
