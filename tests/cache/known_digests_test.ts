import { assert, assertEquals } from "@std/assert";
import { gzipSync } from "node:zlib";
import type { Clock } from "../../src/types.ts";
import { releaseText } from "../support/apt_suite.ts";
import { bytesOf, randomBytes, sha256 } from "../support/body.ts";
import { NOON } from "../support/facts.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { Origin } from "../support/origin.ts";
import { tempDir } from "../support/temp_dir.ts";
import { TestProxy } from "../support/test_proxy.ts";

const PACKAGES = "/d/dists/sid/main/Packages";
const DEB = "/d/pool/a_1.deb";

/** A mirror whose files a test changes, behind a proxy that reads apt's lists. */
class Suite implements AsyncDisposable {
  readonly files = new Map<string, Uint8Array<ArrayBuffer>>();
  readonly origin = new Origin(({ target }) => {
    const file = this.files.get(target);
    return file === undefined ? new Response("no", { status: 404 }) : new Response(file);
  });

  put(path: string, bytes: Uint8Array): void {
    this.files.set(path, new Uint8Array(bytes));
  }

  /** @param dataDir An existing one; without it the proxy has its own. */
  start(
    dataDir?: string,
    cache: Record<string, unknown> = {},
    clock?: Clock,
  ): Promise<TestProxy> {
    return TestProxy.start({
      ...(clock === undefined ? {} : { clock }),
      upstreams: [{ server: `${this.origin.url}/d`, name: "m", preset: "apt", at: "/d" }],
      config: { cache },
      ...(dataDir === undefined ? {} : { dataDir }),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.origin[Symbol.asyncDispose]();
  }
}

function packages(...files: readonly (readonly [path: string, bytes: Uint8Array])[]): string {
  return files.map(([path, bytes]) =>
    `Package: a\nFilename: ${path.slice("/d/".length)}\nSHA256: ${sha256(bytes)}\n`
  ).join("\n");
}

/** The status that a client gets. */
async function ask(proxy: TestProxy, path: string): Promise<number> {
  const { response } = await proxy.get(path);
  await proxy.listsRead();
  return response.status;
}

Deno.test("what is known survives a restart, and the loss of its file", async () => {
  await using dir = await tempDir();
  await using suite = new Suite();
  const [right, wrong] = [randomBytes(500, 1), randomBytes(500, 2)];
  suite.put(PACKAGES, bytesOf(packages([DEB, right])));
  suite.put(DEB, wrong);
  {
    await using proxy = await suite.start(dir.path);
    assertEquals(await ask(proxy, PACKAGES), 200);
    assertEquals(await ask(proxy, DEB), 502);
  }
  {
    await using proxy = await suite.start(dir.path);
    assertEquals(await ask(proxy, DEB), 502);
  }
  Deno.removeSync(`${dir.path}/.cache-proxy/digests.db`);
  await using proxy = await suite.start(dir.path);
  await proxy.listsRead();
  assertEquals(await ask(proxy, DEB), 502);
  suite.put(DEB, right);
  assertEquals(await ask(proxy, DEB), 200);
});

Deno.test("lists that were stored before there was a rule for them are read", async () => {
  await using dir = await tempDir();
  await using suite = new Suite();
  const [right, wrong] = [randomBytes(500, 1), randomBytes(500, 2)];
  suite.put(PACKAGES, bytesOf(packages([DEB, right])));
  suite.put(DEB, wrong);
  {
    const upstreams = [{ server: suite.origin.url }];
    await using proxy = await TestProxy.start({ upstreams, dataDir: dir.path });
    assertEquals(await ask(proxy, PACKAGES), 200);
    assert(!proxy.files().includes(".cache-proxy/digests.db"));
    proxy.reload({
      upstreams,
      config: { cache: { digests: [{ match: "/Packages$", format: "apt-packages" }] } },
    });
    await proxy.listsRead();
    assertEquals(await ask(proxy, DEB), 502);
  }
});

Deno.test("a list that is replaced says what it says now, and one that is gone says nothing", async () => {
  await using suite = new Suite();
  const [old, young, other] = [1, 2, 3].map((seed) => randomBytes(500, seed));
  assert(old !== undefined && young !== undefined && other !== undefined);
  const second = "/d/pool/b_1.deb";
  suite.put(PACKAGES, bytesOf(packages([DEB, old])));
  suite.put(DEB, young);
  suite.put(second, other);
  await using proxy = await suite.start(undefined, {
    policies: [{ match: "/Packages$", "refresh-after": "0s" }],
  });
  assertEquals(await ask(proxy, PACKAGES), 200);
  assertEquals(await ask(proxy, DEB), 502);
  suite.put(PACKAGES, bytesOf(packages([DEB, young], [second, young])));
  assertEquals(await ask(proxy, PACKAGES), 200);
  assertEquals(await ask(proxy, DEB), 200);
  assertEquals(await ask(proxy, second), 502);
  const headers = { "x-cache-proxy": "1" };
  await fetch(`${proxy.adminUrl}/cache${PACKAGES}`, { method: "DELETE", headers });
  await proxy.listsRead();
  assertEquals(await ask(proxy, second), 200);
});

Deno.test("where two lists do not agree, what either says will do", async () => {
  await using suite = new Suite();
  const [old, young] = [randomBytes(500, 1), randomBytes(500, 2)];
  suite.put(PACKAGES, bytesOf(packages([DEB, old])));
  suite.put("/d/dists/other/main/Packages", bytesOf(packages([DEB, young])));
  suite.put(DEB, randomBytes(500, 3));
  await using proxy = await suite.start();
  assertEquals(await ask(proxy, PACKAGES), 200);
  assertEquals(await ask(proxy, "/d/dists/other/main/Packages"), 200);
  const { response, text } = await proxy.get(DEB);
  assertEquals(response.status, 502);
  assert(text.includes("/d/dists/other/main/Packages"), text);
  suite.put(DEB, young);
  assertEquals(await ask(proxy, DEB), 200);
});

Deno.test("a request that comes right behind the list waits until it has been read", async () => {
  await using suite = new Suite();
  const [right, wrong] = [randomBytes(500, 1), randomBytes(500, 2)];
  const many = Array.from({ length: 5_000 }, (_, n) => [`/d/pool/x_${n}.deb`, right] as const);
  const list = gzipSync(packages(...many, [DEB, right]));
  suite.put(`${PACKAGES}.gz`, list);
  suite.put(
    "/d/dists/sid/InRelease",
    bytesOf(releaseText(new Map([["main/Packages.gz", new Uint8Array(list)]]))),
  );
  suite.put(DEB, wrong);
  // However long it takes on a busy machine.
  await using proxy = await suite.start(undefined, {}, new ManualClock(NOON));
  await proxy.get("/d/dists/sid/InRelease");
  await proxy.get(`${PACKAGES}.gz`);
  const { response } = await proxy.get(DEB);
  assertEquals(response.status, 502);
});

Deno.test("verify goes by what lists say of files that never change", async () => {
  await using suite = new Suite();
  const right = randomBytes(500, 1);
  suite.put(PACKAGES, bytesOf(packages([DEB, right])));
  suite.put(DEB, right);
  await using proxy = await suite.start();
  assertEquals(await ask(proxy, PACKAGES), 200);
  assertEquals(await ask(proxy, DEB), 200);
  const verify = async (): Promise<string> => {
    const headers = { "x-cache-proxy": "1" };
    const answer = await fetch(`${proxy.adminUrl}/verify`, { method: "POST", headers });
    return await answer.text();
  };
  assert((await verify()).includes('"hashed":1'));
  using file = Deno.openSync(proxy.file(DEB.slice(1)), { write: true });
  file.writeSync(new Uint8Array([1, 2, 3]));
  const said = await verify();
  assert(said.includes("has another content than its name or the lists of digests say"), said);
});
