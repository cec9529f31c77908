import { assertEquals, assertStringIncludes } from "@std/assert";
import { fileAnswer } from "../support/answers.ts";
import { Origin } from "../support/origin.ts";
import { TestProxy } from "../support/test_proxy.ts";

Deno.test("an answer that fails a check loses, and the error says which check", async () => {
  const table: [checkers: unknown, headers: Record<string, string>, reason: string | null][] = [
    [{ "status-codes": [203] }, {}, "answered 200"],
    [{ headers: [{ name: "X-Good" }] }, {}, "failed a check: header x-good is missing"],
    [{ headers: [{ name: "X-Good" }] }, { "x-good": "" }, null],
    [
      { headers: [{ name: "Content-Type", match: "^application/" }] },
      { "content-type": "text/html" },
      "failed a check: header content-type does not match ^application/",
    ],
    [
      { headers: [{ name: "Content-Type", match: "^application/" }] },
      { "content-type": "application/x-iso" },
      null,
    ],
    [
      [{ headers: [{ name: "X-A" }] }, { headers: [{ name: "X-B" }] }],
      { "x-a": "1" },
      "failed a check: header x-b is missing",
    ],
  ];
  for (const [checkers, headers, reason] of table) {
    await using checked = new Origin(fileAnswer("checked", { headers }));
    await using proxy = await TestProxy.start({
      upstreams: [{ server: checked.url, name: "checked", checkers }],
    });
    const { response, text } = await proxy.get("/x");
    if (reason === null) {
      assertEquals(text, "checked");
      continue;
    }
    assertEquals(response.status, 502);
    assertStringIncludes(text, `checked: ${reason}\n`);
    await proxy.assertNothingStored();
  }
});

Deno.test("of two mirrors the one that passes its checks wins, every time", async () => {
  await using html = new Origin(() => new Response("login", { headers: { "x-good": "no" } }));
  await using good = new Origin(async (seen, request) => {
    await html.asked.reaches(html.seen.length);
    return fileAnswer("good")(seen, request);
  });
  const checkers = { headers: [{ name: "X-Good", match: "^yes$" }] };
  await using proxy = await TestProxy.start({
    upstreams: [{ server: html.url, checkers }, good.url],
  });
  for (let n = 0; n < 20; n++) assertEquals((await proxy.get(`/${n}`)).text, "good");
});

Deno.test("a status that only a checker allows is passed on, not stored, without its bytes mixed up", async () => {
  for (const status of [203, 204, 205, 404, 418, 500]) {
    const text = status === 204 || status === 205 ? null : "special";
    await using origin = new Origin(() => new Response(text, { status }));
    await using proxy = await TestProxy.start({
      upstreams: [{ server: origin.url, checkers: { "status-codes": [status] } }],
    });
    for (const method of ["GET", "HEAD"]) {
      const answer = await proxy.get("/x", { method });
      const body = method === "GET" ? text ?? "" : "";
      assertEquals([answer.response.status, answer.text], [status, body]);
    }
    const range = await proxy.get("/x", { headers: { range: "bytes=0-0" } });
    assertEquals([range.response.status, range.text], [status, text ?? ""]);
    await proxy.assertNothingStored();
  }
});
