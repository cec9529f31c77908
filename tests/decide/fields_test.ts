import { assertEquals } from "@std/assert";
import {
  endToEndFields,
  firstValue,
  forwardedRequestFields,
  representationFields,
  storedFields,
} from "../../src/decide/fields.ts";
import { formatHttpDate } from "../../src/decide/http_date.ts";
import { NOON } from "../support/facts.ts";
import { fieldLines } from "../support/field_lines.ts";

Deno.test("the first field of a name counts", () => {
  const headers = [["a", "1"], ["b", ""], ["a", "2"]] as const;
  assertEquals(firstValue(headers, "a"), "1");
  assertEquals(firstValue(headers, "b"), "");
  assertEquals(firstValue(headers, "c"), null);
  assertEquals(firstValue([], "a"), null);
});

Deno.test("only what describes the file is stored", () => {
  const kept = [
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
  ];
  const left = [
    "connection",
    "keep-alive",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "proxy-authenticate",
    "www-authenticate",
    "set-cookie",
    "server",
    "date",
    "age",
    "via",
    "x-cache",
    "cache-status",
    "accept-ranges",
    "content-range",
    "content-length",
    "etag",
    "last-modified",
    "strict-transport-security",
    "alt-svc",
  ];
  const headers = [...kept, ...left].map((name) => [name, "x"] as const);
  assertEquals(storedFields(headers).map(([name]) => name), kept);
});

Deno.test("a representation is described by its stored fields and its validators", () => {
  const headers = [["content-type", "text/plain"]] as const;
  assertEquals(representationFields({ headers, etag: '"a"', lastModified: NOON }), [
    ["content-type", "text/plain"],
    ["etag", '"a"'],
    ["last-modified", formatHttpDate(NOON)],
  ]);
  assertEquals(representationFields({ headers: [], etag: null, lastModified: null }), []);
});

/** All of RFC 9110 section 7.6.1, and what RFC 9111 section 3.1 never stores. */
const FOR_ONE_HOP = [
  "Connection: close",
  "Keep-Alive: timeout=5",
  "Proxy-Authenticate: Basic",
  "Proxy-Authentication-Info: x",
  "Proxy-Authorization: Basic Zm9v",
  "Proxy-Connection: keep-alive",
  "TE: trailers",
  "Trailer: Expires",
  "Transfer-Encoding: chunked",
  "Upgrade: h2c",
];

Deno.test("RFC 9111 3.1: all fields are stored but those for one hop and those held apart", () => {
  const kept = fieldLines(
    "Cache-Control: no-cache",
    "Set-Cookie: a=b",
    "Set-Cookie: c=d",
    "Unknown: x",
    "Age: 5",
    "Date: Thu, 15 Jan 2026 12:00:00 GMT",
    "Via: 1.1 other",
    "WWW-Authenticate: Basic",
    "Vary: Foo",
    "Server: x",
  );
  const apart = fieldLines("Content-Length: 5", 'ETag: "a"', "Last-Modified: x");
  assertEquals(endToEndFields([...fieldLines(...FOR_ONE_HOP), ...kept, ...apart]), kept);
  assertEquals(endToEndFields([]), []);
});

Deno.test("RFC 9110 7.6.1: what Connection lists goes with it, on whichever line and in any case", () => {
  const headers = fieldLines("A: 1", "Connection: a, ,B", "B: 2", "C: 3", "Connection:\tD", "d: 4");
  assertEquals(endToEndFields(headers), [["c", "3"]]);
  assertEquals(forwardedRequestFields(headers), [["c", "3"]]);
});

Deno.test("a client's fields go upstream, but not those that concern this client or hop alone", () => {
  const kept = fieldLines(
    "Accept: text/html",
    "Accept-Language: de",
    "User-Agent: apt",
    "Foo: 1",
    "Foo: 2",
  );
  const left = [
    ..."host content-length accept-encoding via expect range if-range if-match".split(" "),
    ..."if-none-match if-modified-since if-unmodified-since authorization cookie".split(" "),
    ..."cache-control pragma forwarded x-forwarded-for x-forwarded-host x-forwarded-proto".split(
      " ",
    ),
    ..."x-real-ip x-original-url x-rewrite-url x-http-method-override".split(" "),
  ].map((name) => `${name}: x`);
  const headers = [...fieldLines(...FOR_ONE_HOP, ...left), ...kept];
  assertEquals(forwardedRequestFields(headers), kept);
  assertEquals(forwardedRequestFields(forwardedRequestFields(headers)), kept);
});
