import { assertEquals } from "@std/assert";
import { Origin } from "../support/origin.ts";
import { TestProxy } from "../support/test_proxy.ts";

Deno.test("FIELD: `Accept` variants under one key: every client gets the one that was asked for with */*", async () => {
  await using origin = new Origin(({ headers }) =>
    new Response(`for ${headers.get("accept")}`, { headers: { vary: "Accept, Accept-Encoding" } })
  );
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  for (const accept of ["text/html", "application/vnd.pypi.simple.v1+json", "*/*"]) {
    const { text } = await proxy.get("/simple/x/", { headers: { accept } });
    assertEquals(text, "for */*");
    await proxy.settled();
  }
  assertEquals(origin.seen.length, 1);
});

Deno.test("FIELD: `Accept` variants under one key: what varies on everything is not stored", async () => {
  let answers = 0;
  await using origin = new Origin(() =>
    new Response(`answer ${++answers}`, { headers: { vary: "*" } })
  );
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  assertEquals((await proxy.get("/x")).text, "answer 1");
  assertEquals((await proxy.get("/x")).text, "answer 2");
  await proxy.assertNothingStored();
});
