import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { randomBytes } from "../support/body.ts";
import { Origin } from "../support/origin.ts";
import { TestProxy } from "../support/test_proxy.ts";

const MIB = 1024 * 1024;
const SIZE = 100 * MIB;
const ALL = Buffer.from(randomBytes(SIZE).buffer);

/** Longest that the herd may take, in milliseconds, on two cores. */
const TIME_LIMIT_MS = 30_000;

/** What one of the hundred does. */
interface Client {
  /** Bytes from `start` up to `end`; null: the whole, without a Range field. */
  readonly range: readonly [start: number, end: number] | null;
  /** Where it leaves. */
  readonly leavesAt: number;
  /** Turns of the event loop that it lets pass every now and then. */
  readonly pause: number;
}

/** The same hundred in every run, all kinds mixed. */
function herd(): Client[] {
  const words = new Uint32Array(randomBytes(100 * 8, 7).buffer);
  return Array.from({ length: 100 }, (_, index) => {
    const [a = 0, b = 0] = words.subarray(2 * index);
    const pause = a % 3;
    switch (index % 10) {
      case 0:
      case 1:
        return { range: null, leavesAt: SIZE, pause: index % 4 };
      case 2:
      case 3:
      case 4:
        return { range: null, leavesAt: 1 + b % (SIZE / 2), pause };
      case 5:
        return { range: [SIZE - 1 - b % MIB, SIZE], leavesAt: SIZE, pause };
      default: {
        const start = a % SIZE;
        return { range: [start, Math.min(SIZE, start + 1 + b % (4 * MIB))], leavesAt: SIZE, pause };
      }
    }
  });
}

/** Reads as the client does; every byte is looked at. */
async function run(proxy: TestProxy, { range, leavesAt, pause }: Client): Promise<number> {
  const [start, end] = range ?? [0, SIZE];
  const headers: HeadersInit = range === null ? {} : { range: `bytes=${start}-${end - 1}` };
  const response = await proxy.fetch("/x", { headers });
  assertEquals(response.status, range === null ? 200 : 206);
  const reader = response.body?.getReader();
  let at = start;
  for (let reads = 0; at < leavesAt; reads++) {
    for (let turn = 0; turn < pause && reads % 8 === 0; turn++) {
      await new Promise((resolve) => setTimeout(resolve));
    }
    const result = await reader?.read();
    if (result === undefined || result.done) break;
    const { value } = result;
    assert(ALL.subarray(at, at + value.byteLength).equals(value), `other bytes at ${at}`);
    at += value.byteLength;
  }
  await reader?.cancel();
  assert(at >= Math.min(end, leavesAt), `only ${at - start} bytes came`);
  return at - start;
}

Deno.test("FIELD: thundering herd on a cold file: 100 clients, one download", async () => {
  const startedAt = performance.now();
  await using origin = new Origin(() => {
    let at = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (at === SIZE) return controller.close();
        controller.enqueue(ALL.subarray(at, at += MIB));
      },
    }, { highWaterMark: 0 });
    return new Response(body, { headers: { "content-length": String(SIZE) } });
  });
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  await Promise.all(herd().map((client) => run(proxy, client)));
  await proxy.stored("/x");
  assertEquals(origin.seen.length, 1);
  assert(ALL.equals(await Deno.readFile(proxy.file("x"))));
  const ms = performance.now() - startedAt;
  assert(ms < TIME_LIMIT_MS, `it took ${ms} ms`);
});

Deno.test("FIELD: thundering herd on a cold file: 200 clients at once, small file", async () => {
  await using origin = new Origin(() => new Response("hello"));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  const texts = await Promise.all(
    Array.from({ length: 200 }, async () => (await proxy.get("/x")).text),
  );
  assertEquals(new Set(texts), new Set(["hello"]));
  assertEquals(origin.seen.length, 1);
});
