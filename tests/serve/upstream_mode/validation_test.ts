import { at, type Case, testCases } from "./bench.ts";

const FRESH = "Cache-Control: max-age=5";

/** A client's condition, on a copy that is fresh and again on one that has been revalidated. */
function condition(name: string, stored: string[], send: string[], expect: string): Case {
  const status = expect === "304" || expect === "412" ? expect : "";
  const result = (ours: string) => [status, ours, status === "" ? "1" : ""].join(" ").trim();
  return {
    name,
    steps: [
      { reply: [FRESH, ...stored], expect: "MISS 1" },
      { after: 1, send, expect: result("HIT") },
      { after: 9, send, reply: ["304", ...stored], expect: result("REVALIDATED") },
    ],
  };
}

testCases("RFC 9111 4.3.2, RFC 9110 13: conditions of clients on what is stored", [
  condition("the tag", ['ETag: "a"'], ['If-None-Match: "a"'], "304"),
  condition("a weak tag", ['ETag: W/"a"'], ['If-None-Match: W/"a"'], "304"),
  condition("weak against strong", ['ETag: "a"'], ['If-None-Match: W/"a"'], "304"),
  condition("first of several tags", ['ETag: "a"'], ['If-None-Match: "a", "b", "c"'], "304"),
  condition("last of several tags", ['ETag: "a"'], ['If-None-Match: "c","b", "a"'], "304"),
  condition("any", ['ETag: "a"'], ["If-None-Match: *"], "304"),
  condition("another tag", ['ETag: "a"'], ['If-None-Match: "b"'], "200"),
  condition("a tag without quotes", ['ETag: "a"'], ["If-None-Match: a"], "200"),
  condition("the date", [`Last-Modified: ${at(-99)}`], [`If-Modified-Since: ${at(-99)}`], "304"),
  condition("a later date", [`Last-Modified: ${at(-99)}`], [`If-Modified-Since: ${at(-9)}`], "304"),
  condition(
    "an earlier date",
    [`Last-Modified: ${at(-9)}`],
    [`If-Modified-Since: ${at(-99)}`],
    "200",
  ),
  condition("no date", [`Last-Modified: ${at(-9)}`], ["If-Modified-Since: now"], "200"),
  condition(
    "the tag counts before the date, for",
    ['ETag: "a"', `Last-Modified: ${at(-9)}`],
    ['If-None-Match: "a"', `If-Modified-Since: ${at(-99)}`],
    "304",
  ),
  condition(
    "the tag counts before the date, against",
    ['ETag: "a"', `Last-Modified: ${at(-99)}`],
    ['If-None-Match: "b"', `If-Modified-Since: ${at(-9)}`],
    "200",
  ),
  condition("If-Match", ['ETag: "a"'], ['If-Match: "b"'], "412"),
  condition("If-Match that holds", ['ETag: "a"'], ['If-Match: "a"'], "200"),
  condition(
    "If-Unmodified-Since",
    [`Last-Modified: ${at(-9)}`],
    [`If-Unmodified-Since: ${at(-99)}`],
    "412",
  ),
]);

testCases("RFC 9110 15.4.5: what a 304 to a client says", [
  {
    name: "all that concerns caches",
    steps: [
      {
        reply: [FRESH, 'ETag: "a"', "Vary: Accept", "Content-Location: /c", `Expires: ${at(9)}`],
        expect: "MISS 1",
      },
      {
        after: 1,
        send: ['If-None-Match: "a"'],
        expect: "304 HIT",
        fields: {
          etag: '"a"',
          vary: "Accept",
          date: at(0),
          age: "1",
          expires: at(9),
          "cache-control": "max-age=5",
          "content-location": "/c",
          "content-length": null,
        },
      },
    ],
  },
]);

testCases("RFC 9111 4.3.2: conditions of clients on what is not stored", [
  {
    name: "the whole is fetched, and the condition is met by it",
    steps: [
      {
        send: ['If-None-Match: "a"'],
        reply: [FRESH, 'ETag: "a"'],
        expect: "304 MISS",
        asked: { "if-none-match": null },
      },
      { expect: "HIT 1" },
    ],
  },
  {
    name: "the whole is sent when the condition does not hold",
    steps: [
      {
        send: [`If-Modified-Since: ${at(-99)}`],
        reply: [FRESH, `Last-Modified: ${at(-9)}`],
        expect: "MISS 1",
      },
      { expect: "HIT 1" },
    ],
  },
  {
    name: "also where nothing may be stored",
    steps: [
      {
        send: ['If-None-Match: "a"'],
        reply: ["Cache-Control: no-store", 'ETag: "a"'],
        expect: "304 BYPASS",
      },
      {
        send: ['If-None-Match: "b"'],
        reply: ["Cache-Control: no-store", 'ETag: "a"'],
        expect: "BYPASS 2",
      },
    ],
  },
  {
    name: "RFC 9110 13.2.1: an error is no version",
    steps: [
      { send: ["If-None-Match: *"], reply: ["404", FRESH], expect: "404 MISS 1" },
      { send: ["If-None-Match: *"], expect: "404 HIT 1" },
    ],
  },
]);

testCases("RFC 9111 4.3.1: validators are sent to the origin", [
  {
    name: "the tag",
    steps: [
      { reply: [FRESH, 'ETag: W/"a"'], expect: "MISS 1", asked: { "if-none-match": null } },
      { after: 5, reply: ["304"], expect: "REVALIDATED 1", asked: { "if-none-match": 'W/"a"' } },
      { expect: "HIT 1" },
    ],
  },
  {
    name: "the date",
    steps: [
      { reply: [FRESH, `Last-Modified: ${at(-9)}`], expect: "MISS 1" },
      { after: 5, reply: ["304"], expect: "REVALIDATED 1", asked: { "if-modified-since": at(-9) } },
    ],
  },
  {
    name: "both",
    steps: [
      { reply: [FRESH, 'ETag: "a"', `Last-Modified: ${at(-9)}`], expect: "MISS 1" },
      {
        after: 5,
        reply: [FRESH, 'ETag: "b"', `Last-Modified: ${at(0)}`],
        expect: "MISS 2",
        asked: { "if-none-match": '"a"', "if-modified-since": at(-9) },
      },
      { expect: "HIT 2" },
    ],
  },
  {
    name: "none where there is none",
    steps: [
      { reply: [FRESH], expect: "MISS 1" },
      {
        after: 5,
        reply: [FRESH],
        expect: "MISS 2",
        asked: { "if-none-match": null, "if-modified-since": null },
      },
    ],
  },
  {
    name: "not the client's own",
    steps: [
      { reply: [FRESH, 'ETag: "a"'], expect: "MISS 1" },
      {
        after: 5,
        send: ['If-None-Match: "b"', `If-Modified-Since: ${at(-9)}`],
        reply: ["304"],
        expect: "REVALIDATED 1",
        asked: { "if-none-match": '"a"', "if-modified-since": null },
      },
    ],
  },
  {
    name: "4.3.3: a full answer is used, though it may be older than the copy",
    steps: [
      { reply: [FRESH, `Last-Modified: ${at(-9)}`], expect: "MISS 1" },
      { after: 5, reply: [FRESH, `Last-Modified: ${at(-99)}`], expect: "MISS 2" },
      { expect: "HIT 2" },
    ],
  },
  {
    name: "4.3.3: a full answer that may not be stored is used once",
    steps: [
      { reply: [FRESH, 'ETag: "a"'], expect: "MISS 1" },
      { after: 5, reply: ["Cache-Control: private", 'ETag: "b"'], expect: "BYPASS 2" },
      { reply: [FRESH, 'ETag: "c"'], expect: "MISS 3" },
      { expect: "HIT 3" },
    ],
  },
]);

testCases("RFC 9110 9.3.2, RFC 9111 4.3.5: HEAD", [
  {
    name: "of a fresh copy is answered from it",
    steps: [
      { reply: [FRESH, 'ETag: "a"'], expect: "MISS 1" },
      {
        method: "HEAD",
        expect: "HIT",
        fields: { etag: '"a"', "content-length": "1", age: "0" },
      },
    ],
  },
  {
    name: "of a stale copy revalidates it by GET",
    steps: [
      { reply: [FRESH, 'ETag: "a"', "X-A: 1"], expect: "MISS 1" },
      {
        after: 5,
        method: "HEAD",
        reply: ["304", FRESH, "X-A: 2"],
        expect: "REVALIDATED",
        asked: { "if-none-match": '"a"' },
        fields: { "x-a": "2" },
      },
      { expect: "HIT 1", fields: { "x-a": "2" } },
    ],
  },
  {
    name: "of a stale copy that has changed fetches the new one",
    steps: [
      { reply: [FRESH, 'ETag: "a"'], expect: "MISS 1" },
      {
        after: 5,
        method: "HEAD",
        reply: [FRESH, 'ETag: "b"'],
        expect: "MISS",
        fields: { etag: '"b"' },
      },
      { expect: "HIT 2", fields: { etag: '"b"' } },
    ],
  },
  {
    name: "of what is not stored is passed on, and its answer is not one to GET",
    steps: [
      { method: "HEAD", reply: [FRESH, "X-A: 1"], expect: "MISS", fields: { "x-a": "1" } },
      { reply: [FRESH, "X-A: 2"], expect: "MISS 2" },
      { method: "HEAD", expect: "HIT", fields: { "x-a": "2" } },
    ],
  },
  {
    name: "with another status",
    steps: [
      { method: "HEAD", reply: ["404", FRESH], expect: "404 MISS" },
      { reply: ["404", FRESH], expect: "404 MISS 2" },
      { method: "HEAD", expect: "404 HIT" },
    ],
  },
]);
