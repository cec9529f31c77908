import { assert, assertEquals } from "@std/assert";
import { assertSameBytes, bytesOf, randomBytes, readAll, sha256 } from "../support/body.ts";
import { REPOSITORIES, type SmallRepository } from "../support/ecosystems.ts";
import { Origin } from "../support/origin.ts";
import { TestProxy } from "../support/test_proxy.ts";

const SMALL_BYTES = 3_000;

/** More than is ever held back. */
const LARGE_BYTES = 9 * 1024 * 1024;

interface World extends AsyncDisposable {
  readonly proxy: TestProxy;
  readonly repository: SmallRepository;
  /** What the bad mirror gives in place of a file. */
  readonly bad: Map<string, Uint8Array<ArrayBuffer>>;
  readonly origins: { readonly bad: Origin; readonly good: Origin };
  /** What a client gets; null: the transfer broke. */
  get(path: string): Promise<{ status: number; bytes: Uint8Array } | null>;
}

/** A mirror that gives the package with one bit flipped, and is asked first, and a good one. */
async function world(
  name: string,
  bytes: number,
  config: Record<string, unknown> = {},
  isGoodThere = true,
): Promise<World> {
  const make = REPOSITORIES[name];
  assert(make !== undefined);
  const package_ = randomBytes(bytes);
  const base = "http://mirror.example.org";
  const repository = make(package_, base);
  const bad = new Map([[repository.file, flipped(repository.files.get(repository.file))]]);
  // Links are to where the mirrors are known; the paths are what counts here.
  const serve = (own: ReadonlyMap<string, Uint8Array<ArrayBuffer>>) => {
    const origin: Origin = new Origin(({ target }) => {
      const found = own.get(target) ?? repository.files.get(target);
      if (found === undefined) return new Response("no", { status: 404 });
      const text = new TextDecoder("latin1").decode(found);
      const body = text.includes(base) ? text.replaceAll(base, origin.url) : found;
      return new Response(body);
    });
    return origin;
  };
  const origins = { bad: serve(bad), good: serve(new Map()) };
  if (!isGoodThere) origins.good.answer = () => new Response("no", { status: 404 });
  const upstream = (which: "bad" | "good", priority: number) => ({
    server: origins[which].url,
    name: which,
    preset: repository.preset,
    at: "/m",
    "priority-groups": [{ match: "^/", priority }],
  });
  const proxy = await TestProxy.start({
    upstreams: [upstream("bad", 1), upstream("good", 0)],
    config,
  });
  return {
    proxy,
    repository,
    bad,
    origins,
    async get(path) {
      try {
        const response = await proxy.fetch(`/m${path}`);
        const got = await readAll(response.body);
        await proxy.listsRead();
        return { status: response.status, bytes: got };
      } catch {
        await proxy.listsRead();
        return null;
      }
    },
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await origins.bad[Symbol.asyncDispose]();
      await origins.good[Symbol.asyncDispose]();
    },
  };
}

/** One bit is another one, somewhere in the middle. */
function flipped(bytes: Uint8Array = new Uint8Array()): Uint8Array<ArrayBuffer> {
  const other = new Uint8Array(bytes);
  const at = Math.floor(other.length / 2);
  other[at] = (other[at] ?? 0) ^ 1;
  return other;
}

function rightBytes({ files, file }: SmallRepository): Uint8Array {
  return files.get(file) ?? new Uint8Array();
}

async function readLists({ get, repository }: World): Promise<void> {
  for (const list of repository.lists) assertEquals((await get(list))?.status, 200, list);
}

/** No file has the corrupt bytes, finished or not. */
function assertNothingCorrupt({ proxy, bad }: World): void {
  const wrong = new Set([...bad.values()].map(sha256));
  for (const file of proxy.files()) {
    assert(!wrong.has(sha256(Deno.readFileSync(proxy.file(file)))), `${file} is corrupt`);
  }
}

for (const name of Object.keys(REPOSITORIES)) {
  Deno.test(`${name}: of a corrupt package a client gets the good one, in one request`, async () => {
    await using it = await world(name, SMALL_BYTES);
    await readLists(it);
    const got = await it.get(it.repository.file);
    assertEquals(got?.status, 200);
    assertSameBytes(got?.bytes ?? new Uint8Array(), rightBytes(it.repository));
    assertEquals(it.origins.bad.count("GET", it.repository.file), 1, "was not asked");
    const { bad, good } = it.proxy.counters;
    assertEquals([bad?.digestMismatches, good?.digestMismatches ?? 0], [1, 0]);
    assertEquals([bad?.failed, good?.failed ?? {}], [{ digest: 1 }, {}]);
    assert(it.proxy.storedKeys().includes(`/m${it.repository.file}`), "was not kept");
    assertNothingCorrupt(it);
  });
}

for (const name of ["apt", "npm", "oci"]) {
  Deno.test(`${name}: of a large one the transfer breaks, and the next try is good`, async () => {
    await using it = await world(name, LARGE_BYTES);
    await readLists(it);
    assertEquals(await it.get(it.repository.file), null);
    assert(!it.proxy.storedKeys().includes(`/m${it.repository.file}`), "was kept");
    assertEquals(it.proxy.counters["bad"]?.digestMismatches, 1);
    const got = await it.get(it.repository.file);
    assertSameBytes(got?.bytes ?? new Uint8Array(), rightBytes(it.repository));
    assertEquals(it.origins.bad.count("GET", it.repository.file), 1, "was asked again");
    assertNothingCorrupt(it);
  });
}

Deno.test("where no other mirror has the file, the client gets an error, and never the file", async () => {
  await using it = await world("apt", SMALL_BYTES, {}, false);
  await readLists(it);
  const got = await it.get(it.repository.file);
  assertEquals(got?.status, 502);
  const text = new TextDecoder().decode(got?.bytes);
  assert(text.includes("bad: sent other bytes than those published"), text);
  assertNothingCorrupt(it);
  // The mirror is put right: nobody has to wait for anything.
  it.bad.clear();
  assertEquals((await it.get(it.repository.file))?.status, 200);
});

Deno.test("a corrupt mirror is left out, named in the metrics and told to the operator", async () => {
  await using it = await world("apt", SMALL_BYTES);
  await readLists(it);
  await it.get(it.repository.file);
  const metrics = await (await fetch(`${it.proxy.adminUrl}/metrics`)).text();
  for (
    const line of [
      'cache_proxy_upstream_digest_mismatches_total{upstream="bad"} 1',
      'cache_proxy_upstream_digest_mismatches_total{upstream="good"} 0',
      'cache_proxy_upstream_failures_total{upstream="bad",reason="digest"} 1',
      'cache_proxy_upstream_breaker_state{upstream="bad",state="open"} 1',
    ]
  ) assert(metrics.includes(line), line);
  const status = await (await fetch(`${it.proxy.adminUrl}/status`)).json();
  const messages = status.problemsSeen.map(({ message }: { message: string }) => message);
  const path = `/m${it.repository.file}`;
  assert(messages.some((it: string) => it.startsWith(`bad gave a wrong ${path}`)), messages.join());
});

for (const [preset, name] of [["apt", "Packages"], ["rpm", "primary.xml"]] as const) {
  Deno.test(`a corrupt ${name} of ${preset} is not kept either: its set moves to another mirror`, async () => {
    await using it = await world(preset, SMALL_BYTES);
    const [anchor, list] = it.repository.lists;
    assert(anchor !== undefined && list !== undefined);
    it.bad.set(list, flipped(it.repository.files.get(list)));
    assertEquals((await it.get(anchor))?.status, 200);
    const got = await it.get(list);
    assertSameBytes(
      got?.bytes ?? new Uint8Array(),
      it.repository.files.get(list) ?? new Uint8Array(),
    );
    assertEquals(it.proxy.counters["bad"]?.digestMismatches, 1);
    assertNothingCorrupt(it);
  });
}

Deno.test("a module of Go that was stored before its checksum was asked for is thrown out", async () => {
  await using it = await world("go", SMALL_BYTES);
  assertEquals(sha256((await it.get(it.repository.file))?.bytes ?? new Uint8Array()), wrongOf(it));
  await readLists(it);
  assert(!it.proxy.storedKeys().includes(`/m${it.repository.file}`), "is still there");
  assertEquals(it.proxy.counters["bad"]?.digestMismatches, 1);
  const got = await it.get(it.repository.file);
  assertSameBytes(got?.bytes ?? new Uint8Array(), rightBytes(it.repository));
  assertNothingCorrupt(it);
});

Deno.test("a file of another length that was stored before its list is thrown out", async () => {
  await using it = await world("apt", SMALL_BYTES);
  it.bad.set(it.repository.file, bytesOf("too short"));
  assertEquals((await it.get(it.repository.file))?.bytes.length, 9);
  await readLists(it);
  await it.proxy.settled();
  const got = await it.get(it.repository.file);
  assertSameBytes(got?.bytes ?? new Uint8Array(), rightBytes(it.repository));
  assertNothingCorrupt(it);
});

Deno.test("a declared length that is not the published one is seen before the body", async () => {
  await using it = await world("apt", LARGE_BYTES);
  it.bad.set(it.repository.file, randomBytes(LARGE_BYTES + 1, 5));
  await readLists(it);
  const got = await it.get(it.repository.file);
  assertSameBytes(got?.bytes ?? new Uint8Array(), rightBytes(it.repository));
  assertEquals(it.proxy.counters["bad"]?.digestMismatches, 1);
});

Deno.test("a list that fits no mirror's file is fetched anew", async () => {
  await using it = await world("maven", SMALL_BYTES);
  const [list = ""] = it.repository.lists;
  it.bad.set(list, bytesOf("0".repeat(40)));
  it.bad.delete(it.repository.file);
  await readLists(it);
  assertEquals((await it.get(it.repository.file))?.status, 502);
  while (it.origins.good.count("GET", list) === 0) await it.proxy.settled();
  await it.proxy.listsRead();
  const got = await it.get(it.repository.file);
  assertSameBytes(got?.bytes ?? new Uint8Array(), rightBytes(it.repository));
});

function wrongOf({ bad, repository }: World): string {
  return sha256(bad.get(repository.file) ?? new Uint8Array());
}
