import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { type MultipartPlan, multipartPlan } from "../../src/decide/multipart.ts";

/** The answer as its reader sees it. */
function render(plan: MultipartPlan, body: string): string {
  const decoder = new TextDecoder();
  const parts = plan.parts.map(({ header, start, end }) =>
    decoder.decode(header) + body.slice(start, end + 1)
  );
  return parts.join("") + decoder.decode(plan.trailer);
}

Deno.test("each part has its type and place, and the boundary closes the answer", () => {
  const ranges = [{ start: 0, end: 1 }, { start: 8, end: 9 }];
  const plan = multipartPlan(ranges, 10, "text/plain", "xyz");
  const expected = [
    "--xyz",
    "Content-Type: text/plain",
    "Content-Range: bytes 0-1/10",
    "",
    "01",
    "--xyz",
    "Content-Type: text/plain",
    "Content-Range: bytes 8-9/10",
    "",
    "89",
    "--xyz--",
    "",
  ].join("\r\n");
  assertEquals(plan.contentType, "multipart/byteranges; boundary=xyz");
  assertEquals(render(plan, "0123456789"), expected);
  assertEquals(plan.contentLength, expected.length);
});

Deno.test("a body of unknown type has parts without a type", () => {
  const plan = multipartPlan([{ start: 3, end: 3 }], 10, null, "b");
  const expected = "--b\r\nContent-Range: bytes 3-3/10\r\n\r\n3\r\n--b--\r\n";
  assertEquals(render(plan, "0123456789"), expected);
});

Deno.test("the length is what is sent", () => {
  const range = fc.tuple(fc.nat({ max: 99 }), fc.nat({ max: 99 }))
    .map(([a, b]) => ({ start: Math.min(a, b), end: Math.max(a, b) }));
  fc.assert(
    fc.property(
      fc.array(range, { minLength: 1 }),
      fc.option(fc.constantFrom("text/plain", "application/x-é")),
      (ranges, contentType) => {
        const plan = multipartPlan(ranges, 100, contentType, "boundary");
        const sent = new TextEncoder().encode(render(plan, "x".repeat(100)));
        assertEquals(plan.contentLength, sent.length);
      },
    ),
  );
});
