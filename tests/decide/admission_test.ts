import { assertEquals } from "@std/assert";
import {
  type Admission,
  admit,
  type AnswerFacts,
  type QuestionFacts,
} from "../../src/decide/admission.ts";
import { formatHttpDate } from "../../src/decide/http_date.ts";
import type { FailureReason, HeaderList } from "../../src/types.ts";
import { entry, NOON, pattern } from "../support/facts.ts";

const SIZED: HeaderList = [["content-length", "5"]];

function judge(
  answer: Partial<AnswerFacts>,
  question: Partial<QuestionFacts> = {},
): Admission {
  return admit(
    {
      upstream: "mirror",
      status: 200,
      headers: SIZED,
      secure: false,
      requestedAt: NOON,
      ...answer,
    },
    {
      path: "/pool/hello.deb",
      checkers: [{ statusCodes: [200], headers: [] }],
      conditional: false,
      stored: null,
      byDirectives: null,
      ...question,
    },
    NOON,
  );
}

function reasonOf(admission: Admission): FailureReason | string | null {
  return admission.kind === "store" ? null : admission.reason;
}

Deno.test("a 200 with a length is stored, its head as received", () => {
  const headers: HeaderList = [
    ["content-length", "5"],
    ["etag", 'W/"v1"'],
    ["last-modified", formatHttpDate(NOON)],
    ["content-type", "text/plain"],
    ["content-encoding", "gzip"],
    ["set-cookie", "a=b"],
    ["connection", "close"],
    ["server", "toy"],
  ];
  assertEquals(judge({ headers }), {
    kind: "store",
    head: {
      status: 200,
      size: 5,
      etag: 'W/"v1"',
      lastModified: NOON,
      headers: [["content-type", "text/plain"], ["content-encoding", "gzip"]],
      upstream: "mirror",
      requestedAt: NOON,
      receivedAt: NOON,
      vary: [],
    },
  });
});

Deno.test("a body is stored only where its end can be told from a broken connection", () => {
  const table: [headers: HeaderList, secure: boolean, reason: string | null][] = [
    [SIZED, false, null],
    [[["content-length", "0"]], false, null],
    [[["transfer-encoding", "chunked"]], false, null],
    [[["transfer-encoding", "gzip, Chunked "]], false, null],
    [[["transfer-encoding", "gzip"]], false, "end-unknown"],
    [[], false, "end-unknown"],
    [[], true, null],
    [[["content-length", "5, 5"]], false, null],
    [[["content-length", "5, 6"]], false, "end-unknown"],
    [[["content-length", "5, 55"]], false, "end-unknown"],
    [[["content-length", "-5"]], false, "end-unknown"],
    [[["content-length", "0x5"]], false, "end-unknown"],
    [[["content-length", "9".repeat(16)]], false, "end-unknown"],
  ];
  for (const [headers, secure, reason] of table) {
    assertEquals(reasonOf(judge({ headers, secure })), reason, JSON.stringify(headers));
  }
});

Deno.test("304 counts only when it was asked for", () => {
  assertEquals(judge({ status: 304, headers: [] }, { conditional: true }), {
    kind: "not-modified",
    reason: "304",
  });
  assertEquals(judge({ status: 304 }).kind, "refuse");
  const checkers = [{ statusCodes: [200, 304], headers: [] }];
  assertEquals(reasonOf(judge({ status: 304 }, { checkers })), { kind: "status", status: 304 });
});

Deno.test("304 needs none of the headers that a checker asks of a body", () => {
  const checkers = [{ statusCodes: [200], headers: [{ name: "x-good", match: null }] }];
  assertEquals(judge({ status: 304 }, { conditional: true, checkers }).kind, "not-modified");
});

Deno.test("a partial answer is never taken", () => {
  const checkers = [{ statusCodes: [200, 206], headers: [] }];
  assertEquals(reasonOf(judge({ status: 206 }, { checkers })), { kind: "status", status: 206 });
});

Deno.test("all conditions of all checkers must hold", () => {
  const checkers = [
    { statusCodes: [200, 203], headers: [{ name: "x-a", match: null }] },
    { statusCodes: [200], headers: [{ name: "x-b", match: pattern("^yes$") }] },
  ];
  const a = ["x-a", ""] as const;
  const b = ["x-b", "yes"] as const;
  const table: [status: number, headers: HeaderList, reason: FailureReason | null][] = [
    [200, [a, b, ...SIZED], null],
    [203, [a, b, ...SIZED], { kind: "status", status: 203 }],
    [404, [a, b], { kind: "status", status: 404 }],
    [200, [b], { kind: "checker", detail: "header x-a is missing" }],
    [200, [a], { kind: "checker", detail: "header x-b is missing" }],
    [200, [a, ["x-b", "yes!"]], { kind: "checker", detail: "header x-b does not match ^yes$" }],
  ];
  for (const [status, headers, reason] of table) {
    assertEquals(reasonOf(judge({ status, headers }, { checkers })), reason);
  }
});

Deno.test("an acceptable status other than 200 is passed on, not stored", () => {
  const checkers = [{ statusCodes: [200, 404], headers: [] }];
  const admission = judge({ status: 404 }, { checkers });
  assertEquals([admission.kind, reasonOf(admission)], ["pass", "status"]);
});

Deno.test("an HTML page is no package, whatever the status says", () => {
  const html = ["content-type", "Text/HTML; charset=utf-8"] as const;
  const xhtml = ["content-type", " application/xhtml+xml"] as const;
  const table: [path: string, type: readonly [string, string], refused: boolean][] = [
    ["/pool/hello.deb", html, true],
    ["/pool/hello.DEB", html, true],
    ["/pool/hello.deb", xhtml, true],
    ["/pool/hello.tar.zst", html, true],
    ["/pool/hello.iso", ["content-type", "text/html5"], false],
    ["/pool/hello.deb", ["content-type", "text/plain"], false],
    ["/simple/hello/", html, false],
    ["/pool/", html, false],
    ["/pool/deb", html, false],
    ["/doc/hello.deb.html", html, false],
  ];
  for (const [path, type, refused] of table) {
    const admission = judge({ headers: [...SIZED, type] }, { path });
    assertEquals(reasonOf(admission), refused ? { kind: "html" } : null, `${path} ${type}`);
  }
});

Deno.test("a stored copy never goes back in time", () => {
  const at = (ms: number): HeaderList => [...SIZED, ["last-modified", formatHttpDate(NOON + ms)]];
  const question = { conditional: true, stored: entry({ lastModified: NOON }) };
  assertEquals(judge({ headers: at(-1000) }, question), {
    kind: "not-modified",
    reason: "older-than-stored",
  });
  assertEquals(judge({ headers: at(0) }, question).kind, "store");
  assertEquals(judge({ headers: at(1000) }, question).kind, "store");
  assertEquals(judge({}, question).kind, "store");
  assertEquals(judge({ headers: at(-1000) }).kind, "store");
});

Deno.test("a stored copy that claims to be from the future is replaced", () => {
  const headers: HeaderList = [...SIZED, ["last-modified", formatHttpDate(NOON - 1000)]];
  for (const [lastModified, kind] of [[NOON, "not-modified"], [NOON + 1000, "store"]]) {
    const question = { conditional: true, stored: entry({ lastModified: Number(lastModified) }) };
    assertEquals(judge({ headers }, question).kind, kind);
  }
});

Deno.test("an answer that fails a check says nothing about the stored copy, however old it is", () => {
  const old = ["last-modified", formatHttpDate(NOON - 1000)] as const;
  const question = { conditional: true, stored: entry({ lastModified: NOON }) };
  assertEquals(judge({ status: 500, headers: [old] }, question).kind, "refuse");
  const html: HeaderList = [old, ["content-type", "text/html"], ...SIZED];
  assertEquals(judge({ headers: html }, question).kind, "refuse");
});

Deno.test("what varies on everything is passed on, not stored", () => {
  for (const vary of ["*", " * ", "Accept, *", "*,accept"]) {
    assertEquals(reasonOf(judge({ headers: [...SIZED, ["vary", vary]] })), "varies-on-everything");
  }
  for (const vary of ["Accept", "Accept-Encoding, Accept"]) {
    assertEquals(judge({ headers: [...SIZED, ["vary", vary]] }).kind, "store");
  }
});

Deno.test("a date that is none is no Last-Modified", () => {
  const admission = judge({ headers: [...SIZED, ["last-modified", "yesterday"]] });
  assertEquals(admission.kind === "store" && admission.head.lastModified, null);
});
