import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  endOfHead,
  framingOfAnswer,
  MAX_ANSWER_FIELDS,
  parseAnswerHead,
  staysOpen,
} from "../../src/decide/answer_head.ts";
import { Chunked } from "../../src/decide/chunked.ts";

const encoder = new TextEncoder();

function parse(text: string): ReturnType<typeof parseAnswerHead> {
  return parseAnswerHead(encoder.encode(text));
}

Deno.test("heads that can be read", () => {
  assertEquals(parse('HTTP/1.1 200 OK\r\nETag: "x"\r\nA:b\r\na:  c \r\n\r\n'), {
    status: 200,
    minor: 1,
    headers: [["etag", '"x"'], ["a", "b, c"]],
  });
  assertEquals(parse("HTTP/1.0 404\nSet-Cookie: a\nset-cookie: b\n\n"), {
    status: 404,
    minor: 0,
    headers: [["set-cookie", "a"], ["set-cookie", "b"]],
  });
  const bytes = new Uint8Array([
    ...encoder.encode("HTTP/1.1 200 "),
    0xe9,
    0x0a,
    0x58,
    0x3a,
    0xff,
    0x0a,
  ]);
  assertEquals(parseAnswerHead(bytes), { status: 200, minor: 1, headers: [["x", "\xff"]] });
});

Deno.test("heads that cannot be read are refused", () => {
  const heads = [
    "",
    "220 mail.test ESMTP",
    "HTTP/2 200 OK",
    "HTTP/1.2 200 OK",
    "HTTP/1.1 20 OK",
    "HTTP/1.1 2000 OK",
    "HTTP/1.1 099 OK",
    "HTTP/1.1  200 OK",
    " HTTP/1.1 200 OK",
    "HTTP/1.1 200 OK\r\nno colon here",
    "HTTP/1.1 200 OK\r\nspace : x",
    "HTTP/1.1 200 OK\r\nA: b\r\n folded",
    "HTTP/1.1 200 OK\r\n: nameless",
    "HTTP/1.1 200 OK\r\nA: b\0c",
    "HTTP/1.1 200 OK\r\nA: b\rc",
    "HTTP/1.1 200 OK" + "\r\na: b".repeat(MAX_ANSWER_FIELDS),
  ];
  for (const head of heads) assertEquals(typeof parse(`${head}\r\n\r\n`), "string", head);
});

Deno.test("where a body ends", () => {
  const table: [method: string, head: string, expected: unknown][] = [
    ["GET", "200\nContent-Length: 5", { kind: "length", bytes: 5 }],
    ["GET", "200\nContent-Length: 5\nContent-Length: 5", { kind: "length", bytes: 5 }],
    ["GET", "200\nContent-Length: 5, 5", { kind: "length", bytes: 5 }],
    ["GET", "200\nTransfer-Encoding: Chunked", { kind: "chunked" }],
    ["GET", "200", { kind: "close" }],
    ["GET", "204\nContent-Length: 5", { kind: "none" }],
    ["GET", "304\nContent-Length: 5", { kind: "none" }],
    ["HEAD", "200\nContent-Length: 5", { kind: "none" }],
    ["GET", "200\nContent-Length: 5\nContent-Length: 6", "refused"],
    ["GET", "200\nContent-Length: -5", "refused"],
    ["GET", "200\nContent-Length: 0x5", "refused"],
    ["GET", "200\nContent-Length: 9999999999999999", "refused"],
    ["GET", "200\nContent-Length:", "refused"],
    ["GET", "200\nContent-Length: 5\nTransfer-Encoding: chunked", "refused"],
    ["GET", "200\nTransfer-Encoding: gzip, chunked", "refused"],
    ["GET", "200\nTransfer-Encoding: chunked, identity", "refused"],
  ];
  for (const [method, text, expected] of table) {
    const head = parse(`HTTP/1.1 ${text}\n\n`);
    if (typeof head === "string") throw new Error(head);
    const framing = framingOfAnswer(method, head);
    assertEquals(typeof framing === "string" ? "refused" : framing, expected, text);
  }
  const old = parse("HTTP/1.0 200\nTransfer-Encoding: chunked\n\n");
  assertEquals(typeof old === "string" ? old : typeof framingOfAnswer("GET", old), "string");
});

Deno.test("which connections stay open", () => {
  const table: [head: string, stays: boolean][] = [
    ["HTTP/1.1 200", true],
    ["HTTP/1.0 200", false],
    ["HTTP/1.1 200\nConnection: Close", false],
    ["HTTP/1.1 200\nConnection: x, close", false],
    ["HTTP/1.0 200\nConnection: keep-alive", true],
  ];
  for (const [text, stays] of table) {
    const head = parse(`${text}\n\n`);
    assertEquals(typeof head === "string" ? head : staysOpen(head), stays, text);
  }
});

Deno.test("the end of a head is found wherever its pieces meet", () => {
  for (const head of ["HTTP/1.1 200 OK\r\na: b\r\n\r\n", "HTTP/1.1 200 OK\na: b\n\n"]) {
    const bytes = encoder.encode(`${head}body\n\n`);
    for (let end = 0; end <= bytes.length; end++) {
      assertEquals(endOfHead(bytes, 0, end), end < head.length ? -1 : head.length);
    }
  }
});

/** The body that comes out of pieces; null when it is bad or has no end. */
function dechunk(bytes: Uint8Array, cuts: readonly number[]): string | null {
  const chunked = new Chunked();
  let text = "";
  let start = 0;
  for (const end of [...cuts, bytes.length]) {
    for (;;) {
      const part = chunked.next(bytes, start, end);
      if (part.kind === "bad") return null;
      if (part.kind === "data") {
        text += new TextDecoder().decode(bytes.subarray(part.start, part.end));
      }
      start = part.kind === "data" ? part.end : part.start;
      if (part.kind === "end") return text;
      if (part.kind === "more") break;
    }
  }
  return null;
}

Deno.test("a chunked body comes out as it went in, however it is cut", () => {
  fc.assert(fc.property(
    fc.array(fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 40 })),
    fc.array(fc.nat(400)),
    fc.constantFrom("\r\n", "\n"),
    (pieces, anywhere, lineEnd) => {
      const chunks = pieces.map((it) => `${it.length.toString(16)};x=y${lineEnd}${it}${lineEnd}`);
      const bytes = encoder.encode(`${chunks.join("")}0${lineEnd}Trailer: x${lineEnd}${lineEnd}`);
      const cuts = anywhere.filter((at) => at <= bytes.length).sort((a, b) => a - b);
      assertEquals(dechunk(bytes, cuts), pieces.join(""));
    },
  ));
});

Deno.test("bad chunks are refused", () => {
  const bodies = [
    "x\r\nhello\r\n0\r\n\r\n",
    "5\r\nhello0\r\n\r\n",
    "5\r\nhelloo\r\n0\r\n\r\n",
    "-5\r\nhello\r\n0\r\n\r\n",
    "5 5\r\nhello\r\n0\r\n\r\n",
    "\r\n0\r\n\r\n",
    "5\r\nhello\r\n",
    `0${"0".repeat(5000)}\r\n\r\n`,
    `0\r\n${"a: b\r\n".repeat(200)}\r\n`,
  ];
  for (const body of bodies) {
    assertEquals(dechunk(encoder.encode(body), []), null, body.slice(0, 30));
  }
});
