import { assertEquals } from "@std/assert";
import { formatHttpDate } from "../../src/decide/http_date.ts";
import { type PassReason, storability } from "../../src/decide/storability.ts";
import { NOON } from "../support/facts.ts";
import { fieldLines } from "../support/field_lines.ts";

interface Facts {
  readonly method?: string;
  readonly status?: number;
  readonly request?: readonly string[];
  readonly targeted?: boolean;
}

function judge(lines: readonly string[], facts: Facts = {}): "store" | PassReason {
  const { method = "GET", status = 200, request = [], targeted = false } = facts;
  const requestHeaders = fieldLines(...request);
  const headers = fieldLines(...lines);
  const judged = storability({ method, requestHeaders, status, headers, targeted, now: NOON });
  return judged.kind === "store" ? "store" : judged.reason;
}

const TAG = 'ETag: "a"';
const MODIFIED = `Last-Modified: ${formatHttpDate(NOON - 1e9)}`;
const FUTURE = `Expires: ${formatHttpDate(NOON + 60_000)}`;
const PAST = `Expires: ${formatHttpDate(NOON - 60_000)}`;

Deno.test("RFC 9111 3: only answers to GET are stored", () => {
  for (const method of ["HEAD", "POST", "PUT", "OPTIONS", "get"]) {
    assertEquals(judge(["Cache-Control: max-age=60"], { method }), "method", method);
  }
});

Deno.test("RFC 9111 3: every final status is stored when the answer says so, partial ones apart", () => {
  for (let status = 100; status < 700; status++) {
    const final = status >= 200 && status < 600;
    const expected = !final ? "status" : status === 206 || status === 304 ? "partial" : "store";
    for (const line of ["Cache-Control: max-age=60", "Cache-Control: s-maxage=60", FUTURE]) {
      assertEquals(judge([line], { status }), expected, `${status} ${line}`);
    }
  }
});

Deno.test("RFC 9111 3: without a word of the answer its status decides", () => {
  const cacheable = [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501];
  for (let status = 200; status < 600; status++) {
    if (status === 206 || status === 304) continue;
    const expected = cacheable.includes(status) ? "store" : "no-freshness";
    assertEquals(judge([MODIFIED], { status }), expected, `${status}`);
    assertEquals(judge([TAG, "Cache-Control: must-revalidate"], { status }), expected, `${status}`);
    assertEquals(judge([TAG, "Cache-Control: public"], { status }), "store", `${status}`);
    assertEquals(judge([TAG, PAST], { status }), "store", `${status}`);
  }
});

Deno.test("RFC 9111 5.2.2.5: no-store is not stored, whatever else is said", () => {
  assertEquals(judge(["Cache-Control: no-store"]), "no-store");
  assertEquals(judge(["Cache-Control: max-age=9, No-StOrE", FUTURE, TAG]), "no-store");
  assertEquals(judge(["Cache-Control: max-age=9", "Cache-Control: no-store"]), "no-store");
  assertEquals(judge(["Cache-Control: x=no-store, max-age=9"]), "store");
});

Deno.test("RFC 9111 5.2.1.5: no-store of the client is not looked at", () => {
  assertEquals(judge([FUTURE], { request: ["Cache-Control: no-store"] }), "store");
});

Deno.test("RFC 9111 5.2.2.7: private is not stored, with field names neither", () => {
  assertEquals(judge(["Cache-Control: private, max-age=9", TAG]), "private");
  assertEquals(judge(['Cache-Control: private="set-cookie", max-age=9', TAG]), "private");
  assertEquals(judge(["Cache-Control: private, public, s-maxage=9", TAG]), "private");
});

Deno.test("RFC 9111 5.2.2.3: must-understand overrides no-store for statuses that we understand", () => {
  const both = "Cache-Control: must-understand, no-store, max-age=60";
  const alone = "Cache-Control: must-understand, max-age=60";
  for (const status of [200, 203, 204, 301, 302, 307, 308, 404, 410, 451, 499, 500, 503, 599]) {
    const expected = [451, 499, 599].includes(status) ? "must-understand" : "store";
    assertEquals(judge([both], { status }), expected, `${status}`);
    assertEquals(judge([alone], { status }), expected, `${status}`);
  }
  assertEquals(judge(["Cache-Control: must-understand, no-store, private"]), "private");
  assertEquals(judge([both], { status: 206 }), "partial");
});

Deno.test("RFC 9111 3.5: an answer to Authorization is stored only with leave", () => {
  const request = ["Authorization: Basic Zm9v"];
  const table: [line: string, expected: "store" | PassReason][] = [
    [FUTURE, "authorization"],
    ["Cache-Control: max-age=60", "authorization"],
    ["Cache-Control: max-age=60, proxy-revalidate", "authorization"],
    ["Cache-Control: max-age=60, public", "store"],
    ["Cache-Control: max-age=60, must-revalidate", "store"],
    ["Cache-Control: s-maxage=60", "store"],
    ["Cache-Control: s-maxage=60, private", "private"],
  ];
  for (const [line, expected] of table) {
    assertEquals(judge([line], { request }), expected, line);
    if (expected === "authorization") assertEquals(judge([line]), "store", line);
  }
});

Deno.test("RFC 9111 7.3: Set-Cookie changes nothing, a cookie of the client neither", () => {
  assertEquals(judge([FUTURE, "Set-Cookie: a=b"], { request: ["Cookie: a=b"] }), "store");
});

Deno.test("RFC 9111 4.1: Vary with a star is not stored", () => {
  for (const value of ["*", "*, *", ", *", "*, Foo", "Foo, *"]) {
    assertEquals(judge([FUTURE, `Vary: ${value}`]), "vary-star", value);
  }
  assertEquals(judge([FUTURE, "Vary: Foo", "Vary: *"]), "vary-star");
  assertEquals(judge([FUTURE, "Vary:", "Vary: Foo"]), "store");
});

Deno.test("a copy that could never be used is not stored", () => {
  const table: [lines: string[], expected: "store" | PassReason][] = [
    [[], "no-validator"],
    [["Cache-Control: public"], "no-validator"],
    [["Cache-Control: max-age=0"], "no-validator"],
    [["Cache-Control: max-age=x"], "no-validator"],
    [["Expires: 0"], "no-validator"],
    [[PAST], "no-validator"],
    [["ETag:"], "no-validator"],
    [["Last-Modified: yesterday"], "no-validator"],
    // RFC 9111 section 5.2.2.4: never used before it was validated.
    [["Cache-Control: no-cache, max-age=60", FUTURE], "no-validator"],
    [["Cache-Control: no-cache", TAG], "store"],
    [["Cache-Control: no-cache", MODIFIED], "store"],
    [["Cache-Control: max-age=0", TAG], "store"],
    [["Cache-Control: max-age=0", MODIFIED], "store"],
    [[TAG], "store"],
    [[MODIFIED], "store"],
    [["Cache-Control: max-age=1"], "store"],
    [[FUTURE], "store"],
    // RFC 5861.
    [["Cache-Control: max-age=0, stale-if-error=60"], "store"],
    [["Cache-Control: max-age=0, stale-while-revalidate=60"], "store"],
    [["Cache-Control: max-age=0, stale-if-error=0"], "no-validator"],
    [["Cache-Control: no-cache, stale-if-error=60"], "no-validator"],
  ];
  for (const [lines, expected] of table) assertEquals(judge(lines), expected, lines.join());
});

Deno.test("RFC 9213 2.2: CDN-Cache-Control takes the place of Cache-Control and Expires", () => {
  const table: [
    lines: string[],
    targeted: "store" | PassReason,
    untargeted: "store" | PassReason,
  ][] = [
    [["CDN-Cache-Control: max-age=60", "Cache-Control: no-store"], "store", "no-store"],
    [["CDN-Cache-Control: no-store", "Cache-Control: max-age=60"], "no-store", "store"],
    [["CDN-Cache-Control: private", FUTURE], "private", "store"],
    [["CDN-Cache-Control: max-age=60, &", "Cache-Control: no-store"], "no-store", "no-store"],
    [['CDN-Cache-Control: max-age="60"', "Cache-Control: no-store"], "no-validator", "no-store"],
    [["CDN-Cache-Control: none", FUTURE], "no-validator", "store"],
  ];
  for (const [lines, targeted, untargeted] of table) {
    assertEquals(judge(lines, { targeted: true }), targeted, lines.join());
    assertEquals(judge(lines), untargeted, lines.join());
  }
  const lines = ["CDN-Cache-Control: none", FUTURE, TAG];
  assertEquals(judge(lines, { targeted: true, status: 302 }), "no-freshness");
  assertEquals(judge(lines, { status: 302 }), "store");
});
