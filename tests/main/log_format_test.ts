import { assertEquals, assertMatch } from "@std/assert";
import type { LogRecord } from "@logtape/logtape";
import { LINE_FORMATS } from "../../src/main/log_format.ts";
import { requestLine } from "../../src/main/request_line.ts";

const TIME = Date.UTC(2026, 0, 15, 12);

function record(properties: Record<string, unknown>): LogRecord {
  return {
    category: ["cache-proxy", "fill"],
    level: "warning",
    message: ["Cannot store ", properties["key"], ""],
    rawMessage: "Cannot store {key}",
    timestamp: TIME,
    properties,
  };
}

Deno.test("an event is one line of JSON, whatever it holds", () => {
  const head = {
    "@timestamp": "2026-01-15T12:00:00.000Z",
    level: "WARN",
    logger: "cache-proxy.fill",
  };
  const error = new Error("gone");
  error.stack = "Error: gone\n    at here";
  const rows: [properties: Record<string, unknown>, message: string, rest: unknown][] = [
    [{}, "Cannot store -", {}],
    [{ key: undefined }, "Cannot store -", {}],
    [{ key: null, n: 1 }, "Cannot store -", { key: null, n: 1 }],
    [{ key: '/a"\n\u2028' }, 'Cannot store /a"\n\u2028', { key: '/a"\n\u2028' }],
    [{ key: "/a", error }, "Cannot store /a", { key: "/a", error: error.stack }],
    [{ key: "/a", of: { error } }, "Cannot store /a", { key: "/a", of: { error: error.stack } }],
    [{ key: ["/a"] }, 'Cannot store ["/a"]', { key: ["/a"] }],
  ];
  for (const [properties, message, rest] of rows) {
    const line = LINE_FORMATS.json(record(properties));
    assertMatch(line, /^[^\n]+\n$/);
    assertEquals(JSON.parse(line), { ...head, message, ...rest as object });
  }
});

Deno.test("a request has the same form in both formats, with dashes for what is not there", () => {
  const request = {
    method: "GET",
    path: "/file",
    status: 404,
    bytes: 5,
    ms: 1.5,
    cache: null,
    upstream: null,
    reason: "negative",
    client: "::1",
    complete: true,
  };
  const line = requestLine(request, TIME);
  assertEquals(JSON.parse(LINE_FORMATS.json(line)), {
    "@timestamp": "2026-01-15T12:00:00.000Z",
    level: "INFO",
    logger: "cache-proxy.access",
    message: "GET /file 404 5B 1.5ms - - negative",
    ...request,
  });
  assertEquals(
    LINE_FORMATS.text(line),
    "2026-01-15T12:00:00.000Z [info] cache-proxy.access: GET /file 404 5B 1.5ms - - negative\n",
  );
});
