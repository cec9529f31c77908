import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { formatHttpDate } from "../../src/decide/http_date.ts";
import { randomBytes } from "../support/body.ts";
import { NOON } from "../support/facts.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { Origin } from "../support/origin.ts";
import { TestProxy } from "../support/test_proxy.ts";

const ROUNDS = 150;
const CLIENTS = 8;
const SIZES = [0, 5, 70_000, 1_500_000];
const SEED = crypto.getRandomValues(new Uint32Array(1))[0] ?? 1;

/** A few keys whose files change all the time, each version with bytes and an ETag of its own. */
class Files {
  readonly #random = new DataView(randomBytes(1_000_000, SEED).buffer);
  #at = 0;
  readonly versions = new Map<string, Buffer>();
  #latest = new Map<string, { readonly etag: string; readonly lastModified: number }>();
  #count = 0;

  /** A whole number below the limit. */
  below(limit: number): number {
    this.#at = (this.#at + 4) % 1_000_000;
    return this.#random.getUint32(this.#at) % limit;
  }

  latest(path: string): { readonly etag: string; readonly lastModified: number } {
    const known = this.#latest.get(path);
    if (known !== undefined && this.below(3) > 0) return known;
    const count = ++this.#count;
    const etag = `"${count}"`;
    const size = SIZES[this.below(SIZES.length)] ?? 0;
    this.versions.set(etag, Buffer.from(randomBytes(size, count).buffer, 0, size));
    const version = { etag, lastModified: NOON + count * 1000 };
    this.#latest.set(path, version);
    return version;
  }
}

/** Answers well, badly, conditionally, chunked, or in part, as it comes. */
function answer(files: Files, path: string, headers: Headers): Response {
  const chance = files.below(12);
  if (chance === 0) return new Response("no", { status: 500 });
  if (chance === 1) return new Response("no", { status: 404 });
  const { etag, lastModified } = files.latest(path);
  const fields = new Headers({ etag, "last-modified": formatHttpDate(lastModified) });
  if (headers.get("if-none-match") === etag) return new Response(null, { status: 304 });
  const bytes = files.versions.get(etag) ?? Buffer.alloc(0);
  const end = chance === 2 ? Math.floor(bytes.byteLength / 2) : bytes.byteLength;
  let at = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (at < end) return controller.enqueue(bytes.subarray(at, at = Math.min(end, at + 65_536)));
      if (end < bytes.byteLength) throw new Error("broken by the test");
      controller.close();
    },
  }, { highWaterMark: 0 });
  if (chance % 2 === 0) fields.set("content-length", String(bytes.byteLength));
  return new Response(body, { headers: fields });
}

/** One request. Whatever comes, it is of one version and right; or it is known to be wrong. */
async function request(proxy: TestProxy, files: Files): Promise<string> {
  const path = `/${files.below(3)}`;
  const kind = files.below(6);
  const range = kind === 0
    ? `bytes=${files.below(60_000)}-${60_000 + files.below(1e6)}`
    : "bytes=-7";
  const method = kind === 2 ? "HEAD" : "GET";
  const headers: HeadersInit = kind < 2 ? { range } : {};
  const response = await proxy.fetch(path, { method, headers });
  const { status } = response;
  if (status >= 400 && status !== 416) {
    await response.body?.cancel();
    assert([404, 502].includes(status), `status ${status}`);
    return String(status);
  }
  const bytes = files.versions.get(response.headers.get("etag") ?? "");
  assert(bytes !== undefined, "no ETag of ours");
  if (kind === 3) {
    await response.body?.cancel();
    return "left";
  }
  let body: Buffer;
  try {
    body = Buffer.from(await response.arrayBuffer());
  } catch {
    return "broken";
  }
  if (method === "HEAD" || status === 416) return String(status);
  const [, start = "0", end = ""] = /^bytes (\d+)-(\d+)\//.exec(
    response.headers.get("content-range") ?? "",
  ) ?? [];
  const last = status === 206 ? Number(end) + 1 : bytes.byteLength;
  assert(bytes.subarray(Number(start), last).equals(body), `other bytes with ${status}`);
  return response.headers.get("x-cache") ?? "";
}

Deno.test(`whatever happens at once, no byte is of another version (seed ${SEED})`, async () => {
  const files = new Files();
  await using one = new Origin(({ target, headers }) => answer(files, target, headers));
  await using two = new Origin(({ target, headers }) => answer(files, target, headers));
  const clock = new ManualClock(NOON);
  await using proxy = await TestProxy.start({
    upstreams: [one.url, two.url],
    clock,
    config: { cache: { timeout: "1m" } },
  });
  const seen = new Map<string, number>();
  for (let round = 0; round < ROUNDS; round++) {
    clock.advance(files.below(4) * 30_000);
    if (files.below(10) === 0) await Deno.remove(proxy.file("1")).catch(() => {});
    const asking = Array.from({ length: CLIENTS }, () => request(proxy, files));
    const ticking = setInterval(() => clock.advance(1), 1);
    for (const result of await Promise.all(asking)) seen.set(result, (seen.get(result) ?? 0) + 1);
    clearInterval(ticking);
  }
  await proxy.settled();
  assertEquals(proxy.files().filter((path) => path.startsWith(".cache-proxy/partial")), []);
  for (const kind of ["HIT", "MISS", "JOINED", "REVALIDATED", "STALE"]) {
    assert(seen.has(kind), `no ${kind} in ${JSON.stringify([...seen])}`);
  }
});
