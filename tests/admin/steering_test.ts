import { assertEquals, assertMatch } from "@std/assert";
import { purgePrefix } from "../../src/server/admin/purge.ts";
import type { ListedEntry } from "../../src/storage/entry_index.ts";
import { fileAnswer, statusAnswer } from "../support/answers.ts";
import { bytesOf } from "../support/body.ts";
import { Gate } from "../support/gate.ts";
import { GatedBody } from "../support/gated_body.ts";
import { Origin } from "../support/origin.ts";
import { TestProxy } from "../support/test_proxy.ts";

const HEADERS = { "x-cache-proxy": "1" };

async function send(proxy: TestProxy, method: string, path: string) {
  const response = await fetch(proxy.adminUrl + path, { method, headers: HEADERS });
  return { status: response.status, ...await response.json() };
}

async function fill(proxy: TestProxy, ...paths: string[]): Promise<void> {
  for (const path of paths) {
    await proxy.get(path);
    await proxy.settled();
  }
}

Deno.test("one path is removed, in whatever spelling, and fetched again when asked for", async () => {
  await using origin = new Origin(fileAnswer("hello"));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  await fill(proxy, "/a~b", "/a~b?x", "/a~bc");
  const removed = { status: 200, removed: 1, complete: true };
  assertEquals(await send(proxy, "DELETE", "/cache/a%7Eb"), removed);
  assertEquals(await send(proxy, "DELETE", "/cache/a%7Eb"), { ...removed, removed: 0 });
  assertEquals(proxy.storedKeys(), ["/a~b?x", "/a~bc"]);
  assertEquals(await send(proxy, "DELETE", "/cache/a~b?x"), removed);
  assertEquals((await proxy.get("/a~b")).response.headers.get("x-cache"), "MISS");
});

Deno.test("a path goes with its variants, and an odd one is refused as a client's would be", async () => {
  const answer = fileAnswer("hello", {
    headers: { vary: "accept-language", "cache-control": "max-age=60" },
  });
  await using origin = new Origin(answer);
  const config = { cache: { timeout: "upstream" } };
  await using proxy = await TestProxy.start({ upstreams: [origin.url], config });
  for (const language of ["de", "fr", "it"]) {
    await proxy.get("/file", { headers: { "accept-language": language } });
    await proxy.settled();
  }
  assertEquals(proxy.storedKeys().length, 3);
  const catalog = await (await fetch(`${proxy.adminUrl}/catalog`)).json();
  const seen = catalog.items.map(({ path, vary }: { path: string; vary: unknown }) => [path, vary]);
  assertEquals(seen.length, 3);
  assertEquals(seen[0], ["/file", { "accept-language": "de" }]);
  assertEquals((await send(proxy, "DELETE", "/cache/file")).removed, 3);
  await proxy.assertNothingStored();
  for (const path of ["/cache/a%2F..%2Fb", "/cache/a%zz", "/refresh/a%00"]) {
    const method = path.startsWith("/cache") ? "DELETE" : "POST";
    assertEquals((await send(proxy, method, path)).status, 400, path);
  }
});

Deno.test("a prefix is removed with all below it and nothing beside it", async () => {
  await using origin = new Origin(fileAnswer("hello"));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  const many = Array.from({ length: 205 }, (_, at) => `/debian/pool/${at}`);
  for (const path of many) await proxy.get(path);
  await fill(proxy, "/debian", "/debian-security/x", "/debian.list", "/ubuntu/x");
  const gone = await send(proxy, "DELETE", "/cache?prefix=/debian/");
  assertEquals(gone, { status: 200, removed: many.length, complete: true });
  assertEquals(proxy.storedKeys(), ["/debian", "/debian-security/x", "/debian.list", "/ubuntu/x"]);
  assertEquals(proxy.files().length, 4);
  for (const query of ["", "?prefix=", "?prefix=debian"]) {
    assertEquals((await send(proxy, "DELETE", `/cache${query}`)).status, 400, query);
  }
  assertEquals((await send(proxy, "DELETE", "/cache?prefix=/")).removed, 4);
  await proxy.assertNothingStored();
});

Deno.test("removing a prefix stops when it is told to, and says that it is not all", async () => {
  const stop = new AbortController();
  const keys = ["/a/1", "/a/2", "/a/3", "/b"];
  const removed: string[] = [];
  const storage = {
    list: (after: string) =>
      keys.filter((key) => key > after).map((key) => ({ entry: { key } } as ListedEntry)),
    variantsOf: () => [],
    remove: (key: string) => {
      removed.push(key);
      if (key === "/a/2") stop.abort();
      return Promise.resolve(true);
    },
  };
  const cache = { disown: () => Promise.resolve() };
  const purged = await purgePrefix(storage, cache, "/a/", stop.signal);
  assertEquals(purged, { removed: 2, complete: false });
  assertEquals(removed, ["/a/1", "/a/2"]);
});

Deno.test("a refresh asks the mirror, however fresh the copy is, and says what came of it", async () => {
  const lastModified = Date.UTC(2026, 0, 1);
  await using origin = new Origin(fileAnswer("old", { lastModified }));
  const upstreams = [{ server: origin.url, name: "toy" }];
  const config = { cache: { timeout: "never" } };
  await using proxy = await TestProxy.start({ upstreams, config });
  await fill(proxy, "/file");
  const common = { path: "/file", failures: [] };
  assertEquals(await send(proxy, "POST", "/refresh/file"), {
    status: 200,
    ...common,
    outcome: "unchanged",
    reason: "not-modified-upstream",
    upstream: "toy",
  });
  assertEquals(origin.seen.length, 2);

  origin.answer = fileAnswer("new!", { lastModified: lastModified + 60_000 });
  assertEquals(await send(proxy, "POST", "/refresh/file"), {
    status: 202,
    ...common,
    outcome: "downloading",
    reason: "changed-upstream",
    upstream: "toy",
  });
  await proxy.settled();
  const { response, text } = await proxy.get("/file");
  assertEquals([response.headers.get("x-cache"), text], ["HIT", "new!"]);

  origin.answer = () => new Response("down", { status: 500 });
  const failed = await send(proxy, "POST", "/refresh/file");
  assertEquals([failed.status, failed.outcome], [502, "failed"]);
  assertEquals(failed.failures[0].upstream, "toy");
  assertMatch(failed.failures[0].reason, /500/);
  assertEquals((await proxy.get("/file")).text, "new!", "the copy stays");
});

Deno.test("what is not stored is not refreshed, and nobody is asked", async () => {
  await using origin = new Origin(fileAnswer("hello"));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  assertEquals((await send(proxy, "POST", "/refresh/file")).status, 404);
  assertEquals(origin.seen.length, 0);
  // What was put into the tree by hand is as good as cached.
  await Deno.writeTextFile(proxy.file("by-hand"), "hello");
  assertEquals((await send(proxy, "POST", "/refresh/by-hand")).status, 202);
  await proxy.settled();
});

Deno.test("what is removed while it comes in is read on, joined by nobody and not stored", async () => {
  const headers = { "content-length": "11", "content-type": "text/plain" };
  await using origin = new Origin(statusAnswer(500));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  for (const removal of ["/cache/file", "/cache?prefix=/fi"]) {
    const body = new GatedBody([bytesOf("old "), bytesOf("content")]);
    origin.answer = () => new Response(body.stream, { headers });
    const [leader, joiner] = [await proxy.fetch("/file"), await proxy.fetch("/file")];
    assertEquals(joiner.headers.get("x-cache"), "JOINED");
    assertEquals((await send(proxy, "DELETE", removal)).status, 200);
    origin.answer = fileAnswer("new content");
    const { response, text } = await proxy.get("/file");
    assertEquals([response.headers.get("x-cache"), text], ["MISS", "new content"], removal);
    body.release();
    assertEquals([await leader.text(), await joiner.text()], ["old content", "old content"]);
    await proxy.settled();
    assertEquals((await proxy.get("/file")).text, "new content", "the old one is not stored");
    await send(proxy, "DELETE", "/cache/file");
    await proxy.assertNothingStored();
  }
});

Deno.test("what no mirror has is asked for again after a removal, of that path alone", async () => {
  await using origin = new Origin(statusAnswer(404));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  const ask = async (): Promise<number> => {
    const before = origin.seen.length;
    for (const path of ["/a", "/b/c"]) await proxy.get(path);
    return origin.seen.length - before;
  };
  assertEquals([await ask(), await ask()], [2, 0]);
  await send(proxy, "DELETE", "/cache/a");
  assertEquals([await ask(), await ask()], [1, 0]);
  await send(proxy, "DELETE", "/cache?prefix=/b/");
  assertEquals([await ask(), await ask()], [1, 0]);
  await send(proxy, "DELETE", "/cache?prefix=/");
  assertEquals(await ask(), 2);
});

Deno.test("a 404 that was on its way when its path was removed is not remembered", async () => {
  const answer = new Gate();
  await using origin = new Origin(async () => {
    await answer.opened;
    return new Response("no", { status: 404 });
  });
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  const early = proxy.get("/file");
  await origin.asked.reaches(1);
  await send(proxy, "DELETE", "/cache/file");
  answer.open();
  assertEquals((await early).response.status, 404);
  await proxy.get("/file");
  assertEquals(origin.seen.length, 2);
});
