import { assertEquals } from "@std/assert";
import { Origin } from "../support/origin.ts";
import { TestProxy } from "../support/test_proxy.ts";

for (const paths of [["/a", "/a/b", "/a/b/c"], ["/a/b/c", "/a/b", "/a"], ["/a/", "/a", "/a//"]]) {
  Deno.test(`FIELD: a file and a folder of one name: ${paths.join(" ")}`, async () => {
    await using origin = new Origin(({ target }) => new Response(`file ${target}`));
    await using proxy = await TestProxy.start({ upstreams: [origin.url] });
    for (const result of ["MISS", "HIT"]) {
      for (const path of paths) {
        const { response, text } = await proxy.get(path);
        assertEquals([text, response.headers.get("x-cache")], [`file ${path}`, result]);
        await proxy.settled();
      }
    }
    assertEquals(proxy.storedKeys(), [...paths].sort());
  });
}

Deno.test("FIELD: a file and a folder of one name: names that no file system takes", async () => {
  await using origin = new Origin(({ target }) => new Response(`file ${target}`));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  const paths = [
    `/${"x".repeat(300)}`,
    `/${"long/".repeat(1000)}`,
    "/%FF",
    "/.cache-proxy/index.db",
  ];
  for (const result of ["MISS", "HIT"]) {
    for (const path of paths) {
      const { response, text } = await proxy.get(path);
      assertEquals([text, response.headers.get("x-cache")], [`file ${path}`, result]);
      await proxy.settled();
    }
  }
});
