import { assertEquals, assertMatch } from "@std/assert";
import { fileAnswer } from "../support/answers.ts";
import { assertSameBytes, randomBytes } from "../support/body.ts";
import { NOON } from "../support/facts.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { Origin } from "../support/origin.ts";
import { TestProxy } from "../support/test_proxy.ts";

const LAST_MODIFIED = "Wed, 14 Jan 2026 12:00:00 GMT";
const FACTS = { etag: '"v1"', lastModified: NOON - 86_400_000 };

/** A proxy that has the content at `/x`, and the origin that it came from. */
async function stored(content: string | Uint8Array<ArrayBuffer>) {
  const origin = new Origin(fileAnswer(content, FACTS));
  const clock = new ManualClock(NOON);
  const proxy = await TestProxy.start({ upstreams: [origin.url], clock });
  await (await proxy.fetch("/x")).bytes();
  await proxy.settled();
  return {
    proxy,
    origin,
    async [Symbol.asyncDispose](): Promise<void> {
      await proxy[Symbol.asyncDispose]();
      await origin[Symbol.asyncDispose]();
    },
  };
}

Deno.test("one range of a stored copy", async () => {
  await using held = await stored("0123456789");
  const table: [range: string, contentRange: string, text: string][] = [
    ["bytes=0-0", "bytes 0-0/10", "0"],
    ["bytes=2-4", "bytes 2-4/10", "234"],
    ["bytes=7-", "bytes 7-9/10", "789"],
    ["bytes=7-99", "bytes 7-9/10", "789"],
    ["bytes=-3", "bytes 7-9/10", "789"],
    ["bytes=-99", "bytes 0-9/10", "0123456789"],
    ["bytes=0-", "bytes 0-9/10", "0123456789"],
    ["BYTES=1-1", "bytes 1-1/10", "1"],
  ];
  for (const [range, contentRange, expected] of table) {
    const { response, text } = await held.proxy.get("/x", { headers: { range } });
    assertEquals([response.status, text], [206, expected], range);
    assertEquals(response.headers.get("content-range"), contentRange);
    assertEquals(response.headers.get("content-length"), String(expected.length));
    assertEquals(response.headers.get("content-type"), "text/plain");
    assertEquals(response.headers.get("x-cache"), "HIT");
  }
  assertEquals(held.origin.count("GET"), 1);
});

Deno.test("several ranges of a stored copy come as multipart/byteranges", async () => {
  await using held = await stored("0123456789");
  const { response, text } = await held.proxy.get("/x", {
    headers: { range: "bytes=0-1, 4-5,-1" },
  });
  assertEquals(response.status, 206);
  const type = response.headers.get("content-type") ?? "";
  assertMatch(type, /^multipart\/byteranges; boundary=[0-9a-f-]{36}$/);
  const boundary = type.slice(type.indexOf("=") + 1);
  const part = (range: string, bytes: string): string =>
    `--${boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes ${range}/10\r\n\r\n${bytes}\r\n`;
  const expected = part("0-1", "01") + part("4-5", "45") + part("9-9", "9") + `--${boundary}--\r\n`;
  assertEquals(text, expected);
  assertEquals(response.headers.get("content-length"), String(expected.length));
});

Deno.test("ranges of a large stored copy", async () => {
  const all = randomBytes(3_000_000);
  await using held = await stored(all);
  for (
    const [start, end] of [[0, 2_999_999], [1, 262_144], [262_143, 2_000_000], [2_999_999, 9e9]]
  ) {
    const range = `bytes=${start}-${end}`;
    const response = await held.proxy.fetch("/x", { headers: { range } });
    assertEquals(response.status, 206);
    assertSameBytes(await response.bytes(), all.slice(start, (end ?? 0) + 1));
  }
  const several = await held.proxy.fetch("/x", {
    headers: { range: "bytes=0-999999,1500000-2499999" },
  });
  assertEquals(several.status, 206);
  const bytes = await several.bytes();
  assertEquals(String(bytes.byteLength), several.headers.get("content-length"));
  const second = bytes.byteLength - 1_000_000 - 44;
  assertSameBytes(bytes.slice(second, second + 1_000_000), all.slice(1_500_000, 2_500_000));
});

Deno.test("ranges of a file that was replaced by hand are those of the new file", async () => {
  const old = randomBytes(600_000);
  await using held = await stored(old);
  const headers = { range: "bytes=100000-399999" };
  const ask = () =>
    Promise.all(Array.from({ length: 4 }, () => held.proxy.fetch("/x", { headers })));
  for (let times = 0; times < 3; times++) {
    for (const response of await ask()) {
      assertSameBytes(await response.bytes(), old.slice(100_000, 400_000));
    }
    const other = randomBytes(600_000);
    await Deno.writeFile(held.proxy.file("new"), other);
    await Deno.rename(held.proxy.file("new"), held.proxy.file("x"));
    for (const response of await ask()) {
      assertSameBytes(await response.bytes(), other.slice(100_000, 400_000));
    }
    old.set(other);
  }
});

Deno.test("a range beyond the end is 416 with the size", async () => {
  await using held = await stored("0123456789");
  for (const range of ["bytes=10-", "bytes=10-20,30-40", "bytes=-0"]) {
    const { response, text } = await held.proxy.get("/x", { headers: { range } });
    assertEquals([response.status, text], [416, ""], range);
    assertEquals(response.headers.get("content-range"), "bytes */10");
    assertEquals(response.headers.get("content-type"), null);
  }
});

Deno.test("a Range field that means nothing is passed over", async () => {
  await using held = await stored("0123456789");
  for (const range of ["lines=1-2", "bytes=4-2", "bytes=a-b", "bytes=", "bytes"]) {
    const { response, text } = await held.proxy.get("/x", { headers: { range } });
    assertEquals([response.status, text], [200, "0123456789"], range);
  }
});

Deno.test("If-Range lets a range count only for the copy that it names", async () => {
  await using held = await stored("0123456789");
  const table: [ifRange: string, status: number][] = [
    ['"v1"', 206],
    ['"v2"', 200],
    ['W/"v1"', 200],
    [LAST_MODIFIED, 206],
    ["Wed, 14 Jan 2026 11:59:59 GMT", 200],
    ["Wed, 14 Jan 2026 12:00:01 GMT", 200],
    ["nonsense", 200],
  ];
  for (const [ifRange, status] of table) {
    const headers = { range: "bytes=2-4", "if-range": ifRange };
    const { response, text } = await held.proxy.get("/x", { headers });
    assertEquals([response.status, text], [status, status === 206 ? "234" : "0123456789"], ifRange);
  }
});

Deno.test("HEAD has the headers of the whole, whatever range it names", async () => {
  await using held = await stored("0123456789");
  const get = await held.proxy.get("/x");
  for (const headers of [{}, { range: "bytes=2-4" }, { range: "bytes=90-" }]) {
    const head = await held.proxy.get("/x", { method: "HEAD", headers });
    assertEquals([head.response.status, head.text], [200, ""]);
    const fields = (of: Response) => [...of.headers].filter(([name]) => name !== "date");
    assertEquals(fields(head.response), fields(get.response));
  }
});
