import { assertEquals } from "@std/assert";
import { firstValue, representationFields, storedFields } from "../../src/decide/fields.ts";
import { formatHttpDate } from "../../src/decide/http_date.ts";
import { NOON } from "../support/facts.ts";

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
