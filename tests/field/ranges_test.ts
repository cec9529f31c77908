import { assertEquals } from "@std/assert";
import { fileAnswer } from "../support/answers.ts";
import { Origin, RawOrigin } from "../support/origin.ts";
import { TestProxy } from "../support/test_proxy.ts";

Deno.test("FIELD: range bugs: a slice is 206, also on a miss, and up to the very end", async () => {
  const text = "0123456789";
  for (const range of ["0-0", "3-5", "9-9", "5-", "-1", "-10", "0-9", "0-99"]) {
    await using origin = new Origin(fileAnswer(text));
    await using proxy = await TestProxy.start({ upstreams: [origin.url] });
    const headers = { range: `bytes=${range}` };
    const [first = "", last = ""] = range.split("-");
    const expected = first === ""
      ? text.slice(-Number(last))
      : text.slice(Number(first), last === "" ? undefined : Number(last) + 1);
    for (const result of ["MISS", "HIT"]) {
      const answer = await proxy.get("/x", { headers });
      assertEquals([answer.response.status, answer.text], [206, expected], range);
      assertEquals(answer.response.headers.get("x-cache"), result);
      await proxy.settled();
    }
    assertEquals(await Deno.readTextFile(proxy.file("x")), text);
    assertEquals(origin.seen[0]?.headers.get("range"), null);
  }
});

Deno.test("FIELD: range bugs: several ranges on a miss", async () => {
  await using origin = new Origin(fileAnswer("0123456789"));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  const bodies: string[] = [];
  for (const result of ["MISS", "HIT"]) {
    const { response, text } = await proxy.get("/x", { headers: { range: "bytes=1-2,7-" } });
    assertEquals([response.status, response.headers.get("x-cache")], [206, result]);
    assertEquals(response.headers.get("content-length"), String(text.length));
    const boundary = response.headers.get("content-type")?.split("boundary=")[1] ?? "";
    bodies.push(text.replaceAll(boundary, "boundary"));
    await proxy.settled();
  }
  assertEquals(bodies[0], bodies[1]);
});

Deno.test("FIELD: range bugs: an empty file has no range, and that is no failure", async () => {
  await using origin = new Origin(fileAnswer(""));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  for (const result of ["MISS", "HIT"]) {
    const { response, text } = await proxy.get("/x", { headers: { range: "bytes=0-" } });
    assertEquals([response.status, text, response.headers.get("x-cache")], [200, "", result]);
    await proxy.settled();
  }
});

Deno.test("FIELD: range bugs: a mirror that sends a slice unasked is not believed", async () => {
  await using origin = new RawOrigin(({ write }) =>
    write(
      "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-4/10\r\nContent-Length: 5\r\n\r\n01234",
    )
  );
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  assertEquals((await proxy.get("/x")).response.status, 502);
  await proxy.assertNothingStored();
});
