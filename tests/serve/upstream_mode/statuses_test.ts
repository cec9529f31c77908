import { at, type Case, testCases } from "./bench.ts";

/** Final statuses, but those that have no answer of their own: parts, and 304. */
const FINAL = [
  ...[200, 201, 202, 203, 204, 205, 207, 226, 299],
  ...[300, 301, 302, 303, 305, 307, 308, 399],
  ...[400, 401, 402, 403, 404, 405, 406, 407, 409, 410, 411, 412, 413, 414, 415, 416, 417, 418],
  ...[421, 422, 425, 428, 429, 431, 451, 499],
  ...[500, 501, 502, 503, 504, 505, 511, 599],
];

function result(status: number, ours: string, step: number): string {
  const body = status === 204 || status === 205 ? "" : ` ${step}`;
  return (status === 200 ? "" : `${status} `) + ours + body;
}

testCases(
  "RFC 9111 3: every final status is stored when the answer says so, and not without a word",
  FINAL.map((status): Case => ({
    name: `${status}`,
    steps: [
      {
        reply: withBody(status, "Cache-Control: max-age=9", "X-A: b"),
        expect: result(status, "MISS", 1),
      },
      {
        after: 3,
        expect: result(status, "HIT", 1),
        fields: { "x-a": "b", age: "3", "content-length": lengthOf(status) },
      },
      { method: "HEAD", expect: result(status, "HIT", 1).replace(/ 1$/, "") },
      { after: 6, reply: withBody(status), expect: result(status, "BYPASS", 4) },
      {
        path: "/expires",
        reply: withBody(status, `Expires: ${at(99)}`),
        expect: result(status, "MISS", 5),
      },
      { path: "/expires", expect: result(status, "HIT", 5) },
      { path: "/silent", reply: withBody(status), expect: result(status, "BYPASS", 7) },
      { path: "/silent", reply: withBody(status), expect: result(status, "BYPASS", 8) },
    ],
  })),
);

testCases("RFC 9110 15.4: redirects are the client's to follow, and stored as they are", [
  ...[301, 302, 303, 307, 308].map((status): Case => ({
    name: `${status}`,
    steps: [
      {
        reply: [`${status}`, "Cache-Control: max-age=9", "Location: /elsewhere?a=b"],
        expect: `${status} MISS 1`,
        fields: { location: "/elsewhere?a=b" },
      },
      { expect: `${status} HIT 1`, fields: { location: "/elsewhere?a=b" } },
    ],
  })),
]);

testCases("RFC 9111 3: what is no answer to our request", [
  {
    name: "RFC 9110 15.3.7: a part that nobody asked for",
    steps: [
      {
        reply: ["206", "Cache-Control: max-age=9", "Content-Range: bytes 0-0/5"],
        expect: "502 MISS error",
      },
      { reply: ["Cache-Control: max-age=9"], expect: "MISS 2" },
    ],
  },
  {
    name: "RFC 9110 15.4.5: 304 without a question",
    steps: [
      { reply: ["304", "Cache-Control: max-age=9"], expect: "502 MISS error" },
      { reply: ["Cache-Control: max-age=9"], expect: "MISS 2" },
    ],
  },
  {
    name: "RFC 9110 15: a status that is none, or not final",
    steps: [
      { path: "/y", reply: ["101", "Upgrade: x"], expect: "502 MISS error" },
      { reply: ["600", "Cache-Control: max-age=9"], expect: "502 MISS error" },
      { reply: ["999", "Cache-Control: max-age=9"], expect: "502 MISS error" },
      { reply: ["Cache-Control: max-age=9"], expect: "MISS 4" },
    ],
  },
]);

testCases("an error never takes the place of a good copy", [
  ...[400, 403, 404, 410, 500, 501, 503, 599].map((status): Case => ({
    name: `${status} with max-age`,
    cache: { "stale-if-error": "never" },
    steps: [
      { reply: ["Cache-Control: max-age=5", 'ETag: "a"'], expect: "MISS 1" },
      { after: 6, reply: [`${status}`, "Cache-Control: max-age=99"], expect: `${status} BYPASS 2` },
      {
        reply: ["304", "Cache-Control: max-age=5"],
        expect: "REVALIDATED 1",
        asked: { "if-none-match": '"a"' },
      },
      { expect: "HIT 1" },
    ],
  })),
  {
    name: "but a good answer that of an error, and an error that of another one",
    steps: [
      { reply: ["404", "Cache-Control: max-age=5"], expect: "404 MISS 1" },
      { after: 6, reply: ["410", "Cache-Control: max-age=5"], expect: "410 MISS 2" },
      { after: 6, reply: ["Cache-Control: max-age=5"], expect: "MISS 3" },
      { expect: "HIT 3" },
    ],
  },
  {
    name: "a redirect is no error",
    steps: [
      { reply: ["Cache-Control: max-age=5"], expect: "MISS 1" },
      {
        after: 6,
        reply: ["301", "Cache-Control: max-age=5", "Location: /y"],
        expect: "301 MISS 2",
      },
      { expect: "301 HIT 2", fields: { location: "/y" } },
    ],
  },
]);

/** RFC 9110 sections 8.6 and 15.3.6: 204 has no length, that of 205 is nothing. */
function lengthOf(status: number): string | null {
  if (status === 204) return null;
  return status === 205 ? "0" : "1";
}

/** RFC 9110 section 15.3.6: 205 has no body, which is told by its length. */
function withBody(status: number, ...lines: string[]): string[] {
  return [`${status}`, ...lines, ...(status === 205 ? ["Content-Length: 0"] : [])];
}
