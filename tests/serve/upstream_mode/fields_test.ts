import { assertEquals } from "@std/assert";
import { at, Bench, type Case, testCases } from "./bench.ts";

/** A field that is stored and sent again as it came. */
function kept(name: string, value: string): Case {
  const fields = { [name.toLowerCase()]: value };
  return {
    name,
    steps: [
      { reply: ["Cache-Control: max-age=9", `${name}: ${value}`], expect: "MISS 1", fields },
      { expect: "HIT 1", fields },
      { method: "HEAD", expect: "HIT", fields },
    ],
  };
}

/** A field for the next hop alone, which no client gets. */
function dropped(name: string, value: string, ...more: string[]): Case {
  const fields = { [name.toLowerCase()]: null };
  return {
    name: [name, ...more].join(", "),
    steps: [
      {
        reply: ["Cache-Control: max-age=9", `${name}: ${value}`, ...more],
        expect: "MISS 1",
        fields,
      },
      { expect: "HIT 1", fields },
    ],
  };
}

testCases("RFC 9111 3.1: fields are stored, unknown ones included", [
  kept("Test-Header", "a"),
  kept("X-Test-Header", 'b; c="d, e"'),
  kept("Content-Type", "text/plain"),
  kept("Content-Language", "en"),
  kept("Content-Location", "/other"),
  kept("Content-Disposition", 'attachment; filename="a b"'),
  kept("Content-Encoding", "x-own"),
  kept("Content-Security-Policy", "default-src 'self'"),
  kept("Strict-Transport-Security", "max-age=9"),
  kept("X-Frame-Options", "deny"),
  kept("Clear-Site-Data", '"cookies"'),
  kept("WWW-Authenticate", 'Basic realm="x"'),
  kept("Link", "</a>; rel=next"),
  kept("Server", "nginx"),
  kept("Date", at(-1)),
  kept("ETag", 'W/"a"'),
  kept("Last-Modified", at(-1000)),
  kept("Vary", "Accept-Encoding"),
  kept("Expires", at(100)),
  kept("Location", "/y"),
  kept("Retry-After", "9"),
  kept("Warning", '299 - "x"'),
]);

testCases("RFC 9111 3.1, RFC 9110 7.6.1: fields for one hop are neither stored nor passed on", [
  dropped("Connection", "close, x-a"),
  dropped("X-A", "b", "Connection: close, x-a"),
  dropped("X-B", "b", "Connection: X-A,  X-B", "X-A: 1"),
  dropped("X-C", "b", "Connection: close", "Connection: x-c"),
  dropped("Keep-Alive", "timeout=5"),
  dropped("Proxy-Authenticate", "Basic"),
  dropped("Proxy-Connection", "close"),
  dropped("TE", "trailers"),
  dropped("Upgrade", "h2c"),
]);

testCases("RFC 9111 7.3: Set-Cookie is stored and sent again", [
  kept("Set-Cookie", "a=b; Expires=Wed, 09 Jun 2030 10:18:14 GMT"),
  {
    name: "a cookie of the client changes nothing, and the origin does not see it",
    steps: [
      {
        send: ["Cookie: a=1"],
        reply: ["Cache-Control: max-age=9", "Vary: Cookie"],
        expect: "MISS 1",
        asked: { cookie: null },
      },
      { send: ["Cookie: a=2"], expect: "HIT 1" },
      { expect: "HIT 1" },
    ],
  },
]);

Deno.test("RFC 9110 5.3: several cookies stay several fields, lists stay in order", async () => {
  await using bench = await Bench.start();
  const reply = ["Set-Cookie: a=1", "Set-Cookie: b=2, c", "X-A: 1", "X-A: 2, 3"];
  bench.answer = ({ write }) => write(bench.message(["Cache-Control: max-age=9", ...reply], "1"));
  for (const result of ["MISS", "HIT", "HIT"]) {
    const { response } = await bench.proxy.get("/x");
    await bench.proxy.settled();
    assertEquals(response.headers.get("x-cache"), result);
    assertEquals(response.headers.getSetCookie(), ["a=1", "b=2, c"]);
    assertEquals(response.headers.get("x-a"), "1, 2, 3");
  }
});

testCases("RFC 9110 7.6.3 and RFC 9211: we add ourselves to what other intermediaries say", [
  {
    name: "Via and Cache-Status",
    steps: [
      {
        reply: ["Cache-Control: max-age=9", "Via: 1.0 far", "Cache-Status: far; hit"],
        expect: "MISS 1",
        fields: { via: "1.0 far, 1.1 cache-proxy" },
      },
      { expect: "HIT 1", fields: { via: "1.0 far, 1.1 cache-proxy", "x-cache": "HIT" } },
    ],
  },
]);

testCases("RFC 9111 3.2: a 304 updates what is stored", [
  ...([
    ["Test-Header", "a", "b"],
    ["X-Test-Header", "a", "b"],
    ["Content-Type", "text/plain", "text/html"],
    ["Content-Language", "en", "de"],
    ["Content-Location", "/foo", "/bar"],
    ["Content-Security-Policy", "default-src 'self'", "default-src 'none'"],
    ["X-Frame-Options", "deny", "sameorigin"],
    ["Set-Cookie", "a=b", "a=c"],
    ["Expires", at(1), at(3600)],
    ["Link", "</a>", "</b>"],
    ["Date", at(-1), at(4)],
    ["Vary", "Accept-Encoding", "Accept-Encoding, Cookie"],
  ] as const).flatMap(([name, before, after]): Case[] => {
    const old = { [name.toLowerCase()]: before };
    const fresh = { [name.toLowerCase()]: after };
    return [['ETag: "a"'], [`Last-Modified: ${at(-10)}`]].map((validator) => ({
      name: `${name}, vouched for by ${validator}`,
      steps: [
        {
          reply: ["Cache-Control: max-age=5", ...validator, `${name}: ${before}`],
          expect: "MISS 1",
          fields: old,
        },
        { expect: "HIT 1", fields: old },
        {
          after: 5,
          reply: ["304", "Cache-Control: max-age=9", ...validator, `${name}: ${after}`],
          expect: "REVALIDATED 1",
          fields: fresh,
        },
        { after: 1, expect: "HIT 1", fields: fresh },
      ],
    }));
  }),
  {
    name: "what it does not say stays",
    steps: [
      { reply: ["Cache-Control: max-age=5", 'ETag: "a"', "X-A: 1", "X-B: 1"], expect: "MISS 1" },
      {
        after: 5,
        reply: ["304", "X-B: 2"],
        expect: "REVALIDATED 1",
        fields: { "x-a": "1", "x-b": "2", etag: '"a"', "cache-control": "max-age=5" },
      },
      { after: 4, expect: "HIT 1", fields: { "x-a": "1", "x-b": "2", etag: '"a"' } },
      { after: 1, reply: ["304"], expect: "REVALIDATED 1" },
    ],
  },
  {
    name: "Cache-Control counts from then on",
    steps: [
      { reply: ["Cache-Control: max-age=5", 'ETag: "a"'], expect: "MISS 1" },
      { after: 5, reply: ["304", "Cache-Control: max-age=50"], expect: "REVALIDATED 1" },
      { after: 49, expect: "HIT 1" },
      { after: 1, reply: ["304", "Cache-Control: no-cache"], expect: "REVALIDATED 1" },
      { reply: ["304", "Cache-Control: max-age=5"], expect: "REVALIDATED 1" },
      { after: 4, expect: "HIT 1" },
    ],
  },
  {
    name: "RFC 9111 5.2.2.5: one that forbids to store makes the copy useless",
    steps: [
      { reply: [`Last-Modified: ${at(-9999)}`, 'ETag: "a"'], expect: "MISS 1" },
      { after: 1000, reply: ["304", "Cache-Control: no-store"], expect: "REVALIDATED 1" },
      { reply: ["304", "Cache-Control: private"], expect: "REVALIDATED 1" },
      { reply: "down", expect: "502 MISS error" },
    ],
  },
  {
    name: "RFC 9111 3.2: not the length, nor the coding",
    steps: [
      { reply: ["Cache-Control: max-age=5", 'ETag: "a"'], expect: "MISS 1" },
      {
        after: 5,
        reply: ["304", "Content-Encoding: gzip", "Content-Range: bytes 0-0/9", "X-A: b"],
        expect: "REVALIDATED 1",
        fields: { "content-encoding": null, "content-range": null, "x-a": "b" },
      },
      { expect: "HIT 1", fields: { "content-length": "1", "content-encoding": null } },
    ],
  },
  {
    name: "RFC 9111 4.3.4: a 304 about another version says nothing of this one",
    steps: [
      { reply: ["Cache-Control: max-age=5", 'ETag: "a"', "X-A: 1"], expect: "MISS 1" },
      {
        after: 5,
        reply: ["304", 'ETag: "b"', "X-A: 2"],
        expect: "STALE 1",
        fields: { etag: '"a"', "x-a": "1" },
      },
    ],
  },
  {
    name: "RFC 9110 7.6.1: without what its Connection lists",
    steps: [
      { reply: ["Cache-Control: max-age=5", 'ETag: "a"', "X-A: 1"], expect: "MISS 1" },
      {
        after: 5,
        reply: ["304", "Connection: close, x-a", "X-A: 2"],
        expect: "REVALIDATED 1",
        fields: { "x-a": "1" },
      },
    ],
  },
]);
