import { type Case, testCases } from "./bench.ts";

const SECRET = "Authorization: Basic c2VjcmV0";

function authorized(name: string, directives: string, isStored: boolean): Case {
  return {
    name,
    steps: [
      {
        send: [SECRET],
        reply: [`Cache-Control: ${directives}`],
        expect: isStored ? "MISS 1" : "BYPASS 1",
        asked: { authorization: null },
      },
      isStored
        ? { expect: "HIT 1" }
        : { send: [SECRET], reply: [`Cache-Control: ${directives}`], expect: "BYPASS 2" },
    ],
  };
}

testCases("RFC 9111 3.5: answers to requests with Authorization", [
  authorized("max-age alone", "max-age=9", false),
  authorized("max-age and no-cache", "max-age=9, no-cache", false),
  authorized("public", "max-age=9, public", true),
  authorized("must-revalidate", "max-age=9, must-revalidate", true),
  authorized("s-maxage", "s-maxage=9", true),
  authorized("private", "max-age=9, public, private", false),
  {
    name: "what is stored for others is theirs, too",
    steps: [
      { reply: ["Cache-Control: max-age=9"], expect: "MISS 1" },
      { send: [SECRET], expect: "HIT 1" },
    ],
  },
  {
    name: "a copy is revalidated, and stays",
    steps: [
      { reply: ["Cache-Control: max-age=9", 'ETag: "a"'], expect: "MISS 1" },
      { after: 9, send: [SECRET], reply: ["304"], expect: "REVALIDATED 1" },
      { expect: "HIT 1" },
    ],
  },
]);

testCases("the origin sees what a client asks for, and not who it is", [
  {
    name: "fields of a miss",
    steps: [
      {
        send: [
          ...[SECRET, "Cookie: a=b", "X-Forwarded-For: 192.0.2.1", "Forwarded: for=192.0.2.1"],
          ...["X-Real-IP: 192.0.2.1", "Range: bytes=0-0", 'If-None-Match: "z"', 'If-Range: "z"'],
          ...["Accept: text/x", "Accept-Language: de", "User-Agent: me", "X-Own: 1"],
          ...["Accept-Encoding: gzip", "Referer: http://a.test/", "Origin: http://a.test"],
          ...["X-HTTP-Method-Override: DELETE", "Proxy-Authorization: Basic eA=="],
        ],
        reply: ["Cache-Control: max-age=9, public"],
        expect: "MISS 1",
        asked: {
          accept: "text/x",
          "accept-language": "de",
          "user-agent": "me",
          "x-own": "1",
          referer: "http://a.test/",
          origin: "http://a.test",
          "accept-encoding": "identity",
          authorization: null,
          "proxy-authorization": null,
          cookie: null,
          "x-forwarded-for": null,
          forwarded: null,
          "x-real-ip": null,
          range: null,
          "if-none-match": null,
          "if-range": null,
          "x-http-method-override": null,
        },
      },
    ],
  },
  {
    name: "fields of a HEAD",
    steps: [{
      method: "HEAD",
      send: [SECRET, "Cookie: a=b", "Accept: text/x"],
      reply: ["Cache-Control: max-age=9"],
      expect: "MISS",
      asked: { accept: "text/x", cookie: null, authorization: null },
    }],
  },
  {
    name: "fields of a revalidation",
    steps: [
      { reply: ["Cache-Control: max-age=9", 'ETag: "a"'], expect: "MISS 1" },
      {
        after: 9,
        send: ["Cookie: a=b", "Accept: text/x"],
        reply: ["304"],
        expect: "REVALIDATED 1",
        asked: { accept: "text/x", cookie: null, "if-none-match": '"a"' },
      },
    ],
  },
  {
    name: "RFC 9110 7.6.1: without what its Connection lists",
    steps: [{
      send: ["X-Own: 1", "TE: trailers"],
      reply: ["Cache-Control: max-age=9"],
      expect: "MISS 1",
      asked: { "x-own": "1", te: null },
    }],
  },
]);
