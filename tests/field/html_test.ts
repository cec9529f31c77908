import { assertEquals, assertStringIncludes } from "@std/assert";
import { fileAnswer } from "../support/answers.ts";
import { Origin } from "../support/origin.ts";
import { TestProxy } from "../support/test_proxy.ts";

const LOGIN = fileAnswer("<html>log in</html>", { headers: { "content-type": "text/html" } });

Deno.test("FIELD: an HTML page stored as a package: refused for names of packages", async () => {
  await using portal = new Origin(LOGIN);
  await using proxy = await TestProxy.start({
    upstreams: [{ server: portal.url, name: "portal" }],
  });
  for (const path of ["/hello.deb", "/core.db.tar.gz", "/x.iso", "/x.whl", "/x-1.0.crate"]) {
    for (const method of ["GET", "HEAD"]) {
      const { response, text } = await proxy.get(path, { method });
      assertEquals(response.status, 502);
      if (method === "GET") assertStringIncludes(text, "portal: sent an HTML page");
    }
  }
  await proxy.assertNothingStored();
});

Deno.test("FIELD: an HTML page stored as a package: pages as such are stored", async () => {
  await using mirror = new Origin(LOGIN);
  await using proxy = await TestProxy.start({ upstreams: [mirror.url] });
  for (const result of ["MISS", "HIT"]) {
    assertEquals((await proxy.get("/simple/hello/")).response.headers.get("x-cache"), result);
    await proxy.settled();
  }
});

Deno.test("FIELD: an HTML page stored as a package: a stored package outlives a captive portal", async () => {
  await using origin = new Origin(fileAnswer("package"));
  await using proxy = await TestProxy.start({
    upstreams: [origin.url],
    config: { cache: { timeout: "0s" } },
  });
  await proxy.get("/hello.deb");
  await proxy.settled();
  origin.answer = LOGIN;
  const { response, text } = await proxy.get("/hello.deb");
  assertEquals([text, response.headers.get("x-cache")], ["package", "STALE"]);
});
