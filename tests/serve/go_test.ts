import { assertEquals } from "@std/assert";
import { ManualClock } from "../support/manual_clock.ts";
import { Origin } from "../support/origin.ts";
import { TestProxy } from "../support/test_proxy.ts";

const MINUTE = 60_000;

/** What a module proxy says; everything else is not there. */
const FILES: Readonly<Record<string, string>> = {
  "/example.org/!big!name/@v/list": "v1.0.0\n",
  "/example.org/!big!name/@latest": '{"Version":"v1.0.0"}',
  "/example.org/!big!name/@v/v1.0.0.info": '{"Version":"v1.0.0"}',
  "/example.org/!big!name/@v/v1.0.0.mod": "module example.org/BigName\n",
  "/example.org/!big!name/@v/v1.0.0.zip": "zip",
  "/example.org/!big!name/@v/main.info": '{"Version":"v1.0.1-0.20260101000000-abcdef123456"}',
  "/sumdb/sum.example.org/supported": "",
  "/sumdb/sum.example.org/latest": "go.sum database tree\n",
  "/sumdb/sum.example.org/lookup/example.org/!big!name@v1.0.0": "12\n",
  "/sumdb/sum.example.org/tile/8/0/x001/234": "tile",
};

function moduleProxy(): Origin {
  return new Origin(({ target }) => {
    const text = FILES[target];
    if (text !== undefined) return new Response(text);
    return new Response("not found", { status: target.includes("/gone/") ? 410 : 404 });
  });
}

const PRESET = { preset: "go", at: "/go" };

Deno.test("the whole of a module proxy is there, each path as go spells it", async () => {
  await using origin = moduleProxy();
  await using proxy = await TestProxy.start({ upstreams: [{ server: origin.url, ...PRESET }] });
  for (const [path, text] of Object.entries(FILES)) {
    const { response, text: got } = await proxy.get(`/go${path}`);
    assertEquals([path, response.status, got], [path, 200, text]);
  }
  assertEquals(origin.seen.map(({ target }) => target), Object.keys(FILES));
});

Deno.test("what moves on is asked for again, what is published is not", async () => {
  await using origin = moduleProxy();
  const clock = new ManualClock();
  const upstreams = [{ server: origin.url, ...PRESET }];
  await using proxy = await TestProxy.start({ upstreams, clock });
  for (const path of Object.keys(FILES)) await proxy.get(`/go${path}`);
  await proxy.settled();
  origin.seen.length = 0;
  clock.advance(6 * MINUTE);
  for (const path of Object.keys(FILES)) await proxy.get(`/go${path}`);
  assertEquals(origin.seen.map(({ target }) => target), [
    "/example.org/!big!name/@v/list",
    "/example.org/!big!name/@latest",
    "/example.org/!big!name/@v/main.info",
    "/sumdb/sum.example.org/latest",
  ]);
});

Deno.test("404 and 410 reach go, by which it asks the next of its list, and last for seconds", async () => {
  await using origin = moduleProxy();
  const clock = new ManualClock();
  const upstreams = [{ server: origin.url, ...PRESET }];
  await using proxy = await TestProxy.start({ upstreams, clock });
  for (const [path, status] of [["/go/none/@v/list", 404], ["/go/gone/@v/list", 410]] as const) {
    assertEquals((await proxy.get(path)).response.status, status);
    const asked = origin.seen.length;
    assertEquals((await proxy.get(path)).response.status, status);
    assertEquals(origin.seen.length, asked);
    clock.advance(11_000);
    assertEquals((await proxy.get(path)).response.status, status);
    assertEquals(origin.seen.length, asked + 1);
  }
});

Deno.test("a module that one proxy has not got, and another cannot tell of, is not there", async () => {
  await using origin = moduleProxy();
  await using broken = new Origin(() => new Response("broken", { status: 500 }));
  const upstreams = [{ server: origin.url, ...PRESET }, { server: broken.url, ...PRESET }];
  await using proxy = await TestProxy.start({ upstreams });
  assertEquals((await proxy.get("/go/none/@v/list")).response.status, 404);
  assertEquals((await proxy.get("/go/gone/@v/list")).response.status, 410);
});

Deno.test("a checksum database that is not passed through is asked about once in five minutes", async () => {
  await using origin = moduleProxy();
  const clock = new ManualClock();
  const upstreams = [{ server: origin.url, ...PRESET }];
  await using proxy = await TestProxy.start({ upstreams, clock });
  for (let run = 0; run < 3; run++) {
    assertEquals((await proxy.get("/go/sumdb/other.example.org/supported")).response.status, 404);
    clock.advance(2 * MINUTE);
  }
  assertEquals(origin.seen.length, 1);
});
