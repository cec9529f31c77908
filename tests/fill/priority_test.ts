import { assertEquals } from "@std/assert";
import { fileAnswer, statusAnswer } from "../support/answers.ts";
import { Origin } from "../support/origin.ts";
import { TestProxy } from "../support/test_proxy.ts";

function priority(server: string, priority: number): Record<string, unknown> {
  return { server, "priority-groups": [{ match: "^/", priority }] };
}

Deno.test("a lower group is asked only after all of the one above have failed", async () => {
  await using high = new Origin(statusAnswer(404));
  await using high2 = new Origin(statusAnswer(500));
  await using low = new Origin((seen, request) => {
    // Both have been asked, and have answered, by now.
    assertEquals([high.seen.length, high2.seen.length], [1, 1]);
    return fileAnswer("low")(seen, request);
  });
  await using lowest = new Origin(fileAnswer("lowest"));
  await using proxy = await TestProxy.start({
    upstreams: [
      priority(lowest.url, -1),
      low.url,
      priority(high.url, 5),
      priority(high2.url, 5),
    ],
  });
  assertEquals((await proxy.get("/x")).text, "low");
  assertEquals([high.seen.length, high2.seen.length, lowest.seen.length], [1, 1, 0]);
});

Deno.test("a good answer of the highest group leaves the others alone", async () => {
  await using high = new Origin(fileAnswer("high"));
  await using low = new Origin(fileAnswer("low"));
  await using proxy = await TestProxy.start({ upstreams: [low.url, priority(high.url, 1)] });
  for (let n = 0; n < 10; n++) assertEquals((await proxy.get(`/${n}`)).text, "high");
  assertEquals(low.seen, []);
});

Deno.test("the failures of all groups are told", async () => {
  await using high = new Origin(statusAnswer(404));
  await using low = new Origin(statusAnswer(403));
  await using proxy = await TestProxy.start({
    upstreams: [{ ...priority(high.url, 1), name: "high" }, { server: low.url, name: "low" }],
  });
  const { response, text } = await proxy.get("/x");
  assertEquals(response.status, 404);
  assertEquals(text, "404 No upstream has this file\n  high: answered 404\n  low: answered 403\n");
});
