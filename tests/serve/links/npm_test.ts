import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { Gate } from "../../support/gate.ts";
import { Origin } from "../../support/origin.ts";
import { rawRequest } from "../../support/raw_client.ts";
import { TestProxy } from "../../support/test_proxy.ts";

const SHORT = "application/vnd.npm.install-v1+json";
const NPM_ACCEPT = `${SHORT}; q=1.0, application/json; q=0.8, */*`;

/** A package's document as a registry at a certain address writes it. */
function metadata(registry: string, form = "full", name = "@scope/pkg"): string {
  const tarball = `${registry}/${name}/-/pkg-1.0.0.tgz`;
  const dist = { shasum: "00", tarball, integrity: "sha512-AA==" };
  return JSON.stringify({ name, form, readme: tarball, versions: { "1.0.0": { dist } } }, null, 1);
}

/** A registry that has two forms of each document. */
function registry(): Origin {
  const origin: Origin = new Origin(({ target, headers }) => {
    if (target.endsWith(".tgz")) return new Response("tarball");
    const isShort = headers.get("accept")?.includes(SHORT) ?? false;
    const body = metadata(origin.url, isShort ? "short" : "full");
    return new Response(body, {
      headers: {
        "content-type": isShort ? SHORT : "application/json",
        "content-length": String(body.length),
        etag: isShort ? '"short"' : '"full"',
        "last-modified": "Mon, 06 Jan 2025 00:00:00 GMT",
      },
    });
  });
  return origin;
}

async function withRegistry(
  use: (proxy: TestProxy, origin: Origin) => Promise<void>,
  config: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  await using origin = registry();
  const upstreams = [{ server: origin.url, preset: "npm", at: "/npm" }];
  await using proxy = await TestProxy.start({ upstreams, config });
  await use(proxy, origin);
}

Deno.test("npm: dist.tarball leads to us, on a miss and on a hit, and only that", async () => {
  await withRegistry(async (proxy, origin) => {
    for (const result of ["MISS", "HIT"]) {
      const { response, text } = await proxy.get("/npm/@scope%2fpkg");
      assertEquals(response.headers.get("x-cache"), result);
      assertEquals(
        text,
        metadata(origin.url).replace(`"tarball": "${origin.url}/`, `"tarball": "${proxy.url}/npm/`),
      );
      await proxy.settled();
    }
    const tarball = await proxy.get("/npm/@scope/pkg/-/pkg-1.0.0.tgz");
    assertEquals([tarball.text, tarball.response.headers.get("vary")], ["tarball", null]);
    assertEquals(origin.count("GET"), 2);
  });
});

Deno.test("npm: what is stored stays as it came", async () => {
  await withRegistry(async (proxy, origin) => {
    await proxy.get("/npm/@scope%2fpkg");
    await proxy.settled();
    const [file = ""] = proxy.files();
    assertEquals(await Deno.readTextFile(proxy.file(file)), metadata(origin.url));
  });
});

Deno.test("npm: both spellings of a scoped name are one document, asked for with %2f", async () => {
  await withRegistry(async (proxy, origin) => {
    for (const path of ["/npm/@scope/pkg", "/npm/@scope%2fpkg", "/npm/%40scope%2Fpkg"]) {
      const { response, text } = await proxy.get(path);
      assertEquals(response.status, 200);
      assert(text.includes(`${proxy.url}/npm/@scope/pkg/-/`));
      await proxy.settled();
    }
    assertEquals(origin.seen.map(({ target }) => target), ["/@scope%2fpkg"]);
    await proxy.get("/npm/@scope/pkg/1.0.0");
    assertEquals(origin.seen.at(-1)?.target, "/@scope/pkg/1.0.0");
  });
});

Deno.test("npm: the short form and the full one are two copies, chosen by Accept", async () => {
  await withRegistry(async (proxy, origin) => {
    const formOf = async (accept: string | null): Promise<unknown> => {
      const headers: HeadersInit = accept === null ? [] : [["accept", accept]];
      const { response, text } = await proxy.get("/npm/@scope%2fpkg", { headers });
      await proxy.settled();
      assertEquals(response.headers.get("vary"), "Accept");
      return [JSON.parse(text).form, response.headers.get("x-cache")];
    };
    assertEquals(await formOf(NPM_ACCEPT), ["short", "MISS"]);
    assertEquals(await formOf("application/json"), ["full", "MISS"]);
    assertEquals(await formOf(SHORT), ["short", "HIT"]);
    assertEquals(await formOf(null), ["full", "HIT"]);
    assertEquals(origin.seen.map(({ headers }) => headers.get("accept")), [
      `${SHORT}, */*;q=0.1`,
      "application/json, */*;q=0.1",
    ]);
  });
});

Deno.test("npm: each form is refreshed by itself, by its own validator", async () => {
  await withRegistry(async (proxy, origin) => {
    const answer = origin.answer;
    for (const accept of [SHORT, "application/json"]) {
      await proxy.get("/npm/@scope%2fpkg", { headers: { accept } });
      await proxy.settled();
    }
    origin.answer = (seen, request) =>
      seen.headers.get("if-none-match") === '"short"'
        ? new Response(null, { status: 304 })
        : answer(seen, request);
    const again = await proxy.get("/npm/@scope%2fpkg", { headers: { accept: SHORT } });
    assertEquals(again.response.headers.get("x-cache"), "REVALIDATED");
    assertEquals(JSON.parse(again.text).form, "short");
    assert(again.text.includes(proxy.url));
  }, { cache: { policies: [{ match: "^/npm/", "refresh-after": "0s" }] } });
});

Deno.test("npm: a HEAD has the fields of the GET", async () => {
  await withRegistry(async (proxy, origin) => {
    const cold = await proxy.fetch("/npm/@scope%2fpkg", { method: "HEAD" });
    assertEquals(cold.status, 200);
    assertEquals(origin.seen[0]?.headers.get("accept"), "application/json, */*;q=0.1");
    assertEquals(cold.headers.get("content-length"), null);
    const { response, text } = await proxy.get("/npm/@scope%2fpkg");
    assertEquals(cold.headers.get("etag"), response.headers.get("etag"));
    await proxy.settled();
    const warm = await proxy.fetch("/npm/@scope%2fpkg", { method: "HEAD" });
    assertEquals(warm.headers.get("content-length"), String(text.length));
    for (const name of ["etag", "last-modified", "content-type", "accept-ranges", "vary"]) {
      assertEquals(warm.headers.get(name), response.headers.get(name), name);
    }
  });
});

Deno.test("npm: the ETag is ours: one for each copy and address, good for a 304", async () => {
  await withRegistry(async (proxy) => {
    const get = async (host: string, ...fields: string[]) => {
      const head = ["GET /npm/@scope%2fpkg HTTP/1.1", `Host: ${host}`, ...fields] as const;
      const answer = await rawRequest(proxy.port, ...head);
      await proxy.settled();
      return answer;
    };
    const first = await get("cache-a.test:8881");
    const etag = first.headers.get("etag") ?? "";
    assertMatch(etag, /^W\/"[0-9a-f]{32}"$/);
    assertEquals(first.headers.get("last-modified"), "Mon, 06 Jan 2025 00:00:00 GMT");
    assertEquals((await get("cache-a.test:8881")).headers.get("etag"), etag);
    const same = await get("cache-a.test:8881", `If-None-Match: "x", ${etag}`);
    assertEquals([same.status, same.headers.get("etag")], [304, etag]);
    assertEquals(same.headers.get("vary"), "Accept");
    // The mirror's own is none of this body, nor is that of another address.
    assertEquals((await get("cache-a.test:8881", 'If-None-Match: "full"')).status, 200);
    const other = await get("cache-b.test");
    assertNotEquals(other.headers.get("etag"), etag);
    assertEquals((await get("cache-b.test", `If-None-Match: ${etag}`)).status, 200);
    assertEquals((await get("cache-a.test:8881", `If-Match: ${etag}`)).status, 412);
  });
});

Deno.test("npm: without an ETag of the mirror there is one as soon as the copy is stored", async () => {
  await withRegistry(async (proxy, origin) => {
    const answer = origin.answer;
    origin.answer = async (seen, request) => {
      const { headers, body } = await answer(seen, request);
      headers.delete("etag");
      return new Response(body, { headers });
    };
    const etags: (string | null)[] = [];
    for (const _ of ["cold", "warm", "again"]) {
      etags.push((await proxy.get("/npm/@scope%2fpkg")).response.headers.get("etag"));
      await proxy.settled();
    }
    assertEquals(etags[0], null);
    assertMatch(etags[1] ?? "", /^W\/"/);
    assertEquals(etags[2], etags[1]);
    const headers = { "if-modified-since": "Mon, 06 Jan 2025 00:00:00 GMT" };
    assertEquals((await proxy.fetch("/npm/@scope%2fpkg", { headers })).status, 304);
  });
});

Deno.test("npm: two hosts get their own links from one stored copy", async () => {
  await withRegistry(async (proxy, origin) => {
    await proxy.get("/npm/@scope%2fpkg");
    await proxy.settled();
    for (const host of ["cache-a.test:8881", "cache-b.test", "[::1]:8881", "cache-a.test:8881"]) {
      const { body } = await rawRequest(
        proxy.port,
        "GET /npm/@scope%2fpkg HTTP/1.1",
        `Host: ${host}`,
      );
      const { tarball } = JSON.parse(new TextDecoder().decode(body)).versions["1.0.0"].dist;
      assertEquals(tarball, `http://${host}/npm/@scope/pkg/-/pkg-1.0.0.tgz`);
      await proxy.settled();
    }
    assertEquals(origin.count("GET"), 1);
  });
});

Deno.test("npm: listen.public-url is what links begin with", async () => {
  await withRegistry(async (proxy) => {
    const { text } = await proxy.get("/npm/@scope%2fpkg");
    const { tarball } = JSON.parse(text).versions["1.0.0"].dist;
    assertEquals(tarball, "https://front.test/cache/npm/@scope/pkg/-/pkg-1.0.0.tgz");
  }, { listen: { address: "127.0.0.1", port: 0, "public-url": "https://front.test/cache/" } });
});

Deno.test("npm: a server in front that is trusted says what links begin with, others do not", async () => {
  const fields = ["X-Forwarded-Proto: https", "X-Forwarded-Host: front.test"];
  const seenBy = async (proxy: TestProxy): Promise<string> => {
    await proxy.get("/npm/@scope%2fpkg");
    await proxy.settled();
    const head = ["GET /npm/@scope%2fpkg HTTP/1.1", "Host: cache.test", ...fields] as const;
    const { body } = await rawRequest(proxy.port, ...head);
    return JSON.parse(new TextDecoder().decode(body)).versions["1.0.0"].dist.tarball;
  };
  await withRegistry(async (proxy) => {
    assertEquals(await seenBy(proxy), "https://front.test/npm/@scope/pkg/-/pkg-1.0.0.tgz");
  }, { listen: { address: "127.0.0.1", port: 0, "trusted-proxies": ["127.0.0.1"] } });
  await withRegistry(async (proxy) => {
    assertEquals(await seenBy(proxy), "http://cache.test/npm/@scope/pkg/-/pkg-1.0.0.tgz");
  });
});

Deno.test("npm: a range of a rewritten document is the whole", async () => {
  await withRegistry(async (proxy) => {
    for (const result of ["MISS", "HIT"]) {
      const { response, text } = await proxy.get("/npm/@scope%2fpkg", {
        headers: { range: "bytes=0-9" },
      });
      assertEquals([response.status, response.headers.get("x-cache")], [200, result]);
      assertEquals(response.headers.get("accept-ranges"), "none");
      assertEquals(JSON.parse(text).form, "full");
      await proxy.settled();
    }
  });
});

Deno.test("npm: joiners of a growing fill get rewritten documents, all of them the same", async () => {
  await using origin = registry();
  const body = metadata(origin.url);
  const more = new Gate();
  origin.answer = () =>
    new Response(
      new ReadableStream({
        async start(controller): Promise<void> {
          const bytes = new TextEncoder().encode(body);
          // In the middle of the link.
          const cut = body.lastIndexOf("tarball") + 15;
          controller.enqueue(bytes.subarray(0, cut));
          await more.opened;
          controller.enqueue(bytes.subarray(cut));
          controller.close();
        },
      }),
      { headers: { etag: '"v1"' } },
    );
  const upstreams = [{ server: origin.url, preset: "npm", at: "/npm" }];
  await using proxy = await TestProxy.start({ upstreams });
  const answers = await Promise.all([1, 2, 3].map(() => proxy.fetch("/npm/@scope%2fpkg")));
  more.open();
  const texts = await Promise.all(answers.map((answer) => answer.text()));
  const wanted = body.replace(`"tarball": "${origin.url}/`, `"tarball": "${proxy.url}/npm/`);
  assertEquals(texts, [wanted, wanted, wanted]);
  const results = answers.map(({ headers }) => headers.get("x-cache")).sort();
  assertEquals(results, ["JOINED", "JOINED", "MISS"]);
  const etags = new Set(answers.map(({ headers }) => headers.get("etag")));
  await proxy.settled();
  etags.add((await proxy.get("/npm/@scope%2fpkg")).response.headers.get("etag"));
  assertEquals(etags.size, 1);
  assertEquals(origin.count("GET"), 1);
});

Deno.test("npm: a document of many megabytes is rewritten on its way, from the disk too", async () => {
  await using origin = registry();
  const dist = { tarball: `${origin.url}/big/-/big-1.0.0.tgz` };
  const versions = Object.fromEntries(
    Array.from({ length: 5000 }, (_, index) => [`1.0.${index}`, { dist, text: "ü".repeat(300) }]),
  );
  const body = JSON.stringify({ versions });
  origin.answer = () => new Response(body, { headers: { etag: '"big"' } });
  const upstreams = [{ server: origin.url, preset: "npm", at: "/npm" }];
  await using proxy = await TestProxy.start({ upstreams });
  const wanted = body.replaceAll(`${origin.url}/`, `${proxy.url}/npm/`);
  for (const result of ["MISS", "HIT"]) {
    const { response, text } = await proxy.get("/npm/big");
    assertEquals(response.headers.get("x-cache"), result);
    assert(text === wanted);
    await proxy.settled();
  }
  const head = await proxy.fetch("/npm/big", { method: "HEAD" });
  assertEquals(head.headers.get("content-length"), null);
});

Deno.test("npm: audits are passed through as they are, gzipped ones too", async () => {
  await withRegistry(async (proxy, origin) => {
    const packed = await new Response(
      new Blob(['{"pkg":["1.0.0"]}']).stream().pipeThrough(new CompressionStream("gzip")),
    ).bytes();
    const bodies: Uint8Array[] = [];
    origin.answer = async (_seen, request) => {
      bodies.push(await request.bytes());
      return Response.json({ advisories: [] });
    };
    for (const path of ["advisories/bulk", "audits/quick"]) {
      const { response, text } = await proxy.get(`/npm/-/npm/v1/security/${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", "content-encoding": "gzip" },
        body: packed,
      });
      assertEquals([response.status, text], [200, '{"advisories":[]}']);
      const seen = origin.seen.at(-1);
      assertEquals(seen?.target, `/-/npm/v1/security/${path}`);
      assertEquals(seen?.headers.get("content-encoding"), "gzip");
    }
    assertEquals(bodies, [packed, packed]);
    assertEquals((await proxy.get("/npm/x", { method: "PUT", body: "x" })).response.status, 405);
  });
});

Deno.test("npm: what comes encoded is passed on as it is", async () => {
  await withRegistry(async (proxy, origin) => {
    const packed = await new Response(
      new Blob([metadata(origin.url)]).stream().pipeThrough(new CompressionStream("gzip")),
    ).bytes();
    origin.answer = () =>
      new Response(packed, { headers: { "content-encoding": "gzip", etag: '"z"' } });
    for (const _ of ["cold", "warm"]) {
      const { headers, body } = await rawRequest(proxy.port, "GET /npm/pkg HTTP/1.1", "Host: x");
      assertEquals([headers.get("etag"), headers.get("content-encoding")], ['"z"', "gzip"]);
      assertEquals(body, packed);
      await proxy.settled();
    }
  });
});
