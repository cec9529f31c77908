import { assert, assertEquals, assertRejects } from "@std/assert";
import { Gate } from "../../support/gate.ts";
import { bytesOf, sha256 } from "../../support/body.ts";
import { Origin } from "../../support/origin.ts";
import { TestProxy } from "../../support/test_proxy.ts";

const JSON_INDEX = "application/vnd.pypi.simple.v1+json";
const PIP_ACCEPT = `${JSON_INDEX}, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01`;

const WHEEL = "/packages/ab/six-1.0-py3-none-any.whl";
const HASH = sha256(bytesOf(`bytes of ${WHEEL}`));

/** A project's page as an index writes it whose files are on another host. */
function page(files: string): string {
  return `<!DOCTYPE html>
<html><head><meta name="pypi:repository-version" content="1.3"><title>Links for six</title></head>
<body><h1>Links for six</h1>
<a href="${files}${WHEEL}#sha256=${HASH}" data-requires-python="&gt;=3.8" data-dist-info-metadata="sha256=00" data-core-metadata="sha256=00">six-1.0-py3-none-any.whl</a><br />
<a href="${files}/packages/six-0.9.tar.gz#md5=11&amp;x" data-yanked="broken &lt;here&gt;">six-0.9.tar.gz</a><br />
<a href='../../local/six-0.8.zip'>six-0.8.zip</a>
<a href="https://elsewhere.test/six-0.7.zip">six-0.7.zip</a>
<!-- <a href="${files}/packages/hidden.whl">x</a> -->
</body></html>
<!--SERIAL 1-->`;
}

function index(files: string): string {
  const file = (url: string) => ({
    filename: "six.whl",
    url,
    hashes: { sha256: "00" },
    "core-metadata": { sha256: "00" },
    yanked: "ü",
  });
  return JSON.stringify({
    meta: { "api-version": "1.3" },
    name: "six",
    url: `${files}/none`,
    files: [
      file(`${files}/packages/ab/six.whl`),
      file("../../local/six.zip"),
      file("/root/six.whl"),
    ],
  });
}

interface Index extends AsyncDisposable {
  readonly proxy: TestProxy;
  readonly origin: Origin;
  readonly files: Origin;
}

/** An index whose files are on a second host, both mounted. */
async function start(): Promise<Index> {
  const files = new Origin(({ target }) => new Response(`bytes of ${target}`));
  const origin: Origin = new Origin(({ headers, target }) => {
    if (!target.startsWith("/simple/")) return new Response(`local ${target}`);
    const isJson = headers.get("accept")?.includes(JSON_INDEX) ?? false;
    return new Response(isJson ? index(files.url) : page(files.url), {
      headers: { "content-type": isJson ? JSON_INDEX : "text/html", etag: `"${isJson}"` },
    });
  });
  const { host } = new URL(files.url);
  const proxy = await TestProxy.start({
    upstreams: [
      {
        server: origin.url,
        name: "index",
        preset: "pypi",
        at: "/pypi",
        files: { [host]: "files" },
      },
      { server: files.url, name: "files", preset: "pypi", at: "/pypi-files" },
    ],
  });
  return {
    ...{ proxy, origin, files },
    async [Symbol.asyncDispose](): Promise<void> {
      await proxy[Symbol.asyncDispose]();
      await origin[Symbol.asyncDispose]();
      await files[Symbol.asyncDispose]();
    },
  };
}

Deno.test("a simple index as a page: links lead to us, everything else stays", async () => {
  await using it = await start();
  const { proxy, files } = it;
  const wanted = page(files.url)
    .replace(`href="${files.url}/packages/ab`, `href="${proxy.url}/pypi-files/packages/ab`)
    .replace(`href="${files.url}/packages/six`, `href="${proxy.url}/pypi-files/packages/six`);
  for (const result of ["MISS", "HIT"]) {
    const { response, text } = await proxy.get("/pypi/simple/six/", {
      headers: { accept: "text/html" },
    });
    assertEquals(text, wanted);
    assertEquals(response.headers.get("x-cache"), result);
    await proxy.settled();
  }
});

Deno.test("a simple index as JSON: url of files alone leads to us", async () => {
  await using it = await start();
  const { proxy, files, origin } = it;
  const wanted = index(files.url)
    .replace(`"${files.url}/packages`, `"${proxy.url}/pypi-files/packages`)
    .replace('"/root/six.whl"', `"${proxy.url}/pypi/root/six.whl"`);
  for (const result of ["MISS", "HIT"]) {
    const { response, text } = await proxy.get("/pypi/simple/six/", {
      headers: { accept: PIP_ACCEPT },
    });
    assertEquals(text, wanted);
    assertEquals(response.headers.get("x-cache"), result);
    assertEquals(response.headers.get("content-type"), JSON_INDEX);
    assertEquals(response.headers.get("vary"), "Accept");
    await proxy.settled();
  }
  assertEquals(origin.seen.map(({ headers }) => headers.get("accept")), [
    `${JSON_INDEX}, */*;q=0.1`,
  ]);
});

Deno.test("files of a second host, with the metadata beside them, come through us", async () => {
  await using it = await start();
  const { proxy, files } = it;
  const { text } = await proxy.get("/pypi/simple/six/");
  const [, href = ""] = /href="([^"]+\.whl)#/.exec(text) ?? [];
  const { pathname } = new URL(href);
  for (const path of [pathname, `${pathname}.metadata`]) {
    for (const result of ["MISS", "HIT"]) {
      const answer = await proxy.get(path);
      assertEquals(answer.response.headers.get("x-cache"), result);
      await proxy.settled();
    }
  }
  assertEquals(files.seen.map(({ target }) => target), [
    "/packages/ab/six-1.0-py3-none-any.whl",
    "/packages/ab/six-1.0-py3-none-any.whl.metadata",
  ]);
  const local = await proxy.get(
    new URL("../../local/six-0.8.zip", `${proxy.url}/pypi/simple/six/`).pathname,
  );
  assertEquals(local.text, "local /local/six-0.8.zip");
});

Deno.test("the list of all projects and their pages by a path of an old config are rewritten, too", async () => {
  await using origin = new Origin(() =>
    new Response('<a href="/simple/six/">six</a><a href="six/">six</a>', {
      headers: { "content-type": "text/html; charset=utf-8" },
    })
  );
  await using proxy = await TestProxy.start({
    upstreams: [{ server: origin.url, path: { match: "^/index/(.*)", replace: "/$1" } }],
    config: { links: [{ match: "^/index/simple/", format: "simple-index" }] },
  });
  // No path of ours is known for the first; the second is right as it is.
  const { text } = await proxy.get("/index/simple/");
  assertEquals(text, `<a href="${origin.url}/simple/six/">six</a><a href="six/">six</a>`);
});

Deno.test("a page that breaks off in a link breaks off at the client", async () => {
  const begun = new Gate();
  await using origin = new Origin(() =>
    new Response(
      new ReadableStream({
        start: (controller) =>
          controller.enqueue(new TextEncoder().encode('<a href="x">x</a><a href="https://fil')),
        async pull(controller): Promise<void> {
          await begun.opened;
          controller.error(new Error("broken by the test"));
        },
      }),
      { headers: { "content-type": "text/html" } },
    )
  );
  await using proxy = await TestProxy.start({
    upstreams: [{ server: origin.url, preset: "pypi", at: "/pypi" }],
  });
  const response = await proxy.fetch("/pypi/simple/six/");
  assertEquals(response.status, 200);
  const text = response.text();
  begun.open();
  await assertRejects(() => text);
  await proxy.assertNothingStored();
});

Deno.test("an index without a content type is known by its first character", async () => {
  for (
    const [body, form] of [[`\n {"files":[{"url":"HOST/a"}]}`, "json"], ["<a href=HOST/a>", "html"]]
  ) {
    await using origin: Origin = new Origin(() =>
      new Response(body?.replace("HOST", origin.url), {
        headers: { "content-type": "application/octet-stream" },
      })
    );
    await using proxy = await TestProxy.start({
      upstreams: [{ server: origin.url, preset: "pypi", at: "/pypi" }],
    });
    const { text } = await proxy.get("/pypi/simple/six/");
    assert(text.includes(`"${proxy.url}/pypi/a"`), form);
  }
});
