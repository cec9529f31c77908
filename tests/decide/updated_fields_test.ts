import { assertEquals } from "@std/assert";
import { updatedFields } from "../../src/decide/updated_fields.ts";
import { fieldLines } from "../support/field_lines.ts";

function update(stored: string[], from304: string[]): string[] {
  const fields = updatedFields(fieldLines(...stored), fieldLines(...from304));
  return fields.map(([name, value]) => `${name}: ${value}`);
}

Deno.test("RFC 9111 3.2: what the 304 has replaces what is stored, the rest stays", () => {
  assertEquals(
    update(
      ["Cache-Control: max-age=1", "Test-Header: A", "X-Foo: A"],
      ["Cache-Control: max-age=3600", "X-Foo: B", "New: C"],
    ),
    ["test-header: A", "cache-control: max-age=3600", "x-foo: B", "new: C"],
  );
});

Deno.test("RFC 9111 3.2: all lines of a name are replaced, by as many as there are", () => {
  assertEquals(update(["Set-Cookie: a=b", "Set-Cookie: c=d"], ["Set-Cookie: a=c"]), [
    "set-cookie: a=c",
  ]);
  assertEquals(update(["Set-Cookie: a=b"], ["Set-Cookie: a=c", "Set-Cookie: d=e"]), [
    "set-cookie: a=c",
    "set-cookie: d=e",
  ]);
});

Deno.test("RFC 9111 3.2: fields of content are updated too, but for what the bytes depend on", () => {
  const updated = [
    ..."content-type content-location content-md5 content-foo content-disposition".split(" "),
    ..."content-security-policy expires vary x-frame-options clear-site-data link".split(" "),
  ];
  for (const name of updated) {
    assertEquals(update([`${name}: A`], [`${name}: B`]), [`${name}: B`]);
  }
  for (const name of ["content-encoding", "content-range"]) {
    assertEquals(update([`${name}: A`], [`${name}: B`]), [`${name}: A`]);
    assertEquals(update([], [`${name}: B`]), []);
  }
});

Deno.test("RFC 9111 3.1, 3.2: what is never stored is not taken from a 304 either", () => {
  const left = [
    "Connection: a, close",
    "A: 1",
    "Keep-Alive: timeout=5",
    "Proxy-Authenticate: Basic",
    "Proxy-Authentication-Info: x",
    "Proxy-Authorization: x",
    "Proxy-Connection: close",
    "TE: trailers",
    "Trailer: x",
    "Transfer-Encoding: chunked",
    "Upgrade: h2c",
    "Content-Length: 10",
    'ETag: "b"',
    "Last-Modified: Thu, 15 Jan 2026 12:00:00 GMT",
  ];
  assertEquals(update(["A: 0", "B: 0"], [...left, "B: 1"]), ["a: 0", "b: 1"]);
});

Deno.test("RFC 9111 4.2.3: the age of a copy is counted anew from the message that vouched for it", () => {
  const stored = ["Age: 3000", "Date: Thu, 01 Jan 2026 12:00:00 GMT", "X: y"];
  assertEquals(update(stored, []), ["x: y"]);
  assertEquals(update(stored, ["Age: 5"]), ["x: y", "age: 5"]);
});
