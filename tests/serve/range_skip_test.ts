import { assertEquals, assertRejects } from "@std/assert";
import { formatHttpDate } from "../../src/decide/http_date.ts";
import { assertSameBytes, HandFedBody, randomBytes, readRest, readSome } from "../support/body.ts";
import { systemClock } from "../../src/main/system_clock.ts";
import type { Clock } from "../../src/types.ts";
import { NOON } from "../support/facts.ts";
import { Gate, settle } from "../support/gate.ts";
import { GatedBody } from "../support/gated_body.ts";
import { Origin } from "../support/origin.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { TestProxy } from "../support/test_proxy.ts";

const ALL = randomBytes(1024 * 1024);
/** What of the whole arrives before the test lets the rest come. */
const ARRIVED = 1000;
const SKIP = 64 * 1024;
const ETAG = { etag: '"v1"' };
const DATE = { "last-modified": formatHttpDate(NOON) };

type Bytes = Uint8Array<ArrayBuffer>;
/** What a mirror says of its file. */
type Facts = Readonly<Record<string, string>>;
type Part = (start: number, end: number) => Response | Promise<Response>;

/** A mirror whose whole file stops after its first bytes, and whose parts come as a test says. */
class Mirror {
  readonly origin: Origin;
  readonly whole = new HandFedBody();
  part: Part;

  constructor(facts: Facts) {
    this.part = (start, end) => partOf(ALL, start, end, facts);
    this.whole.give(ALL.slice(0, ARRIVED));
    this.origin = new Origin(({ headers }) => {
      const range = /^bytes=(\d+)-(\d+)$/.exec(headers.get("range") ?? "");
      if (range !== null) return this.part(Number(range[1]), Number(range[2]) + 1);
      const size = { "content-length": String(ALL.byteLength) };
      return new Response(this.whole.stream, { headers: { ...size, ...facts } });
    });
  }

  /** The ranges that were asked for; `-` for a request without one. */
  get ranges(): string[] {
    return this.origin.seen.map(({ headers }) => headers.get("range") ?? "-");
  }

  /** Lets the whole file go on up to this byte; it ends with its last one. */
  giveUpTo(end: number, from = ARRIVED): void {
    this.whole.give(ALL.slice(from, end));
    if (end === ALL.byteLength) this.whole.end();
  }
}

function partOf(
  all: Bytes,
  start: number,
  end: number,
  facts: Facts,
  body: BodyInit = all.slice(start, end),
): Response {
  return new Response(body, {
    status: 206,
    headers: {
      "content-length": String(end - start),
      "content-range": `bytes ${start}-${end - 1}/${all.byteLength}`,
      ...facts,
    },
  });
}

/** A proxy with a file under way of which the first bytes have arrived. */
async function underWay(
  mirrors: readonly Mirror[] = [new Mirror(ETAG)],
  fetch: Readonly<Record<string, unknown>> = {},
  clock: Clock = systemClock,
) {
  const [mirror] = mirrors;
  if (mirror === undefined) throw new Error("There is no mirror");
  const upstreams = mirrors.map(({ origin }, at) => ({
    server: origin.url,
    name: `m${at}`,
    "priority-groups": [{ match: "", priority: -at }],
  }));
  const config = { fetch: { "range-skip": SKIP, ...fetch } };
  const proxy = await TestProxy.start({ upstreams, config, clock });
  const whole = await proxy.fetch("/x.iso");
  const reader = whole.body?.getReader();
  if (reader === undefined) throw new Error("There is no body");
  const first = await readSome(reader, ARRIVED);
  // The file is at least as far as a range of it shows.
  await (await proxy.fetch("/x.iso", range(`0-${ARRIVED - 1}`))).bytes();
  return {
    proxy,
    mirror,
    /** Lets the fill come to its end, and looks at what it gave. */
    async completes(from = ARRIVED): Promise<void> {
      mirror.giveUpTo(ALL.byteLength, from);
      assertSameBytes(await readRest(reader), ALL.slice(first.byteLength));
      await proxy.settled();
      assertSameBytes(await Deno.readFile(proxy.file("x.iso")), ALL);
      assertEquals(proxy.files(), ["x.iso"]);
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await reader.cancel().catch(() => {});
      await proxy[Symbol.asyncDispose]();
      for (const { origin } of mirrors) await origin[Symbol.asyncDispose]();
    },
  };
}

function range(of: string): RequestInit {
  return { headers: { range: `bytes=${of}` } };
}

Deno.test("a range far ahead of its fill is fetched on its own, and the fill goes on", async () => {
  await using held = await underWay();
  const response = await held.proxy.fetch("/x.iso", range("500000-599999"));
  assertEquals(response.status, 206);
  assertEquals(response.headers.get("content-range"), `bytes 500000-599999/${ALL.byteLength}`);
  assertEquals(response.headers.get("content-length"), "100000");
  assertEquals(response.headers.get("etag"), '"v1"');
  assertSameBytes(await response.bytes(), ALL.slice(500_000, 600_000));
  assertEquals(held.mirror.ranges, ["-", "bytes=500000-599999"]);
  assertEquals(held.mirror.origin.seen[1]?.headers.get("if-range"), '"v1"');
  await held.completes();
  assertEquals(held.mirror.ranges.length, 2);
});

Deno.test("the request that starts a fill may itself be for a range far ahead", async () => {
  const mirror = new Mirror(DATE);
  await using origin = mirror.origin;
  await using proxy = await TestProxy.start({
    upstreams: [origin.url],
    config: { fetch: { "range-skip": SKIP } },
  });
  const response = await proxy.fetch("/x.iso", range("900000-"));
  assertEquals([response.status, response.headers.get("x-cache")], [206, "MISS"]);
  assertSameBytes(await response.bytes(), ALL.slice(900_000));
  assertEquals(mirror.ranges, ["-", `bytes=900000-${ALL.byteLength - 1}`]);
  // A date in If-Range would let the answer leave out the date that it is judged by.
  assertEquals(origin.seen[1]?.headers.get("if-range"), null);
  mirror.giveUpTo(ALL.byteLength);
  await proxy.settled();
  assertSameBytes(await Deno.readFile(proxy.file("x.iso")), ALL);
});

Deno.test("the end of an image of 1 GiB is there before the image, without any setting", async () => {
  const size = 1024 ** 3;
  const end = randomBytes(1000);
  const whole = new HandFedBody();
  whole.give(ALL.slice(0, ARRIVED));
  await using origin = new Origin(({ headers }) => {
    const headers206 = {
      ...ETAG,
      "content-length": "1000",
      "content-range": `bytes ${size - 1000}-${size - 1}/${size}`,
    };
    if (headers.get("range") === `bytes=${size - 1000}-${size - 1}`) {
      return new Response(end, { status: 206, headers: headers206 });
    }
    return new Response(whole.stream, { headers: { ...ETAG, "content-length": String(size) } });
  });
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  const response = await proxy.fetch("/x.iso", range("-1000"));
  assertEquals(response.headers.get("content-range"), `bytes ${size - 1000}-${size - 1}/${size}`);
  assertSameBytes(await response.bytes(), end);
  assertEquals(origin.seen.length, 2);
});

Deno.test("the parts of several ranges that are far ahead are fetched one after the other", async () => {
  await using held = await underWay();
  const response = await held.proxy.fetch("/x.iso", range("0-9,500000-500009,-10"));
  assertEquals(response.status, 206);
  const text = await response.text();
  assertEquals(Number(response.headers.get("content-length")) > 30, true);
  assertEquals(text.match(/content-range: /gi)?.length, 3);
  const { byteLength } = ALL;
  assertEquals(held.mirror.ranges, [
    ...["-", "bytes=500000-500009"],
    `bytes=${byteLength - 10}-${byteLength - 1}`,
  ]);
});

const WAITING: [
  what: string,
  range: string,
  facts: Facts,
  fetch: Record<string, unknown>,
][] = [
  ["that begins just within the limit", `${ARRIVED + SKIP}-`, ETAG, {}],
  ["far ahead, where that is off", "900000-", ETAG, { "range-skip": "off" }],
  ["far ahead of a file without a validator", "900000-", {}, {}],
  ["far ahead of a file with a weak one", "900000-", { etag: 'W/"v1"' }, {}],
];

for (const [what, asked, facts, fetch] of WAITING) {
  Deno.test(`a range ${what}, waits for the fill`, async () => {
    await using held = await underWay([new Mirror(facts)], fetch);
    const waiting = held.proxy.fetch("/x.iso", range(asked)).then((it) => it.bytes());
    await settle();
    await held.completes();
    assertSameBytes(await waiting, ALL.slice(Number.parseInt(asked)));
    assertEquals(held.mirror.ranges, ["-"]);
  });
}

Deno.test("a range that begins one byte beyond the limit does not wait, nor any with 0", async () => {
  for (const [skip, start] of [[SKIP, ARRIVED + SKIP + 1], [0, ARRIVED + 1]] as const) {
    await using held = await underWay(undefined, { "range-skip": skip });
    const response = await held.proxy.fetch("/x.iso", range(`${start}-${start + 9}`));
    assertSameBytes(await response.bytes(), ALL.slice(start, start + 10));
    assertEquals(held.mirror.ranges, ["-", `bytes=${start}-${start + 9}`]);
  }
});

Deno.test("a range far ahead of a body of unknown length waits for it", async () => {
  const body = new GatedBody([ALL.slice(0, ARRIVED), ALL.slice(ARRIVED)]);
  await using origin = new Origin(() => new Response(body.stream, { headers: ETAG }));
  await using proxy = await TestProxy.start({
    upstreams: [origin.url],
    config: { fetch: { "range-skip": 0 } },
  });
  const waiting = proxy.fetch("/x.iso", range("500000-500009")).then((it) => it.bytes());
  await origin.asked.reaches(1);
  await settle();
  body.release();
  assertSameBytes(await waiting, ALL.slice(500_000, 500_010));
  assertEquals(origin.seen.length, 1);
});

Deno.test("a HEAD with a range asks nobody for a part", async () => {
  await using held = await underWay();
  const response = await held.proxy.fetch("/x.iso", { ...range("900000-"), method: "HEAD" });
  assertEquals([response.status, response.headers.get("content-length")], [
    200,
    String(ALL.byteLength),
  ]);
  assertEquals(held.mirror.ranges, ["-"]);
});

const USELESS: [what: string, part: Part][] = [
  ["the whole", () => new Response(ALL, { headers: ETAG })],
  ["another version", (start, end) => partOf(ALL, start, end, { etag: '"v2"' })],
  ["no validator", (start, end) => partOf(ALL, start, end, {})],
  ["a part of another length", (start, end) => partOf(ALL.slice(1), start, end, ETAG)],
  ["another part", (start, end) => partOf(ALL, start - 1, end, ETAG)],
  ["more than was asked for", (start, end) => partOf(ALL, start, end + 1, ETAG)],
  ["416", () => new Response(null, { status: 416 })],
  ["500", () => new Response(null, { status: 500 })],
  ["a coding", (start, end) => partOf(ALL, start, end, { ...ETAG, "content-encoding": "gzip" })],
];

for (const [what, part] of USELESS) {
  Deno.test(`a range waits for the fill when its mirror answers with ${what}`, async () => {
    await using held = await underWay();
    held.mirror.part = part;
    const waiting = held.proxy.fetch("/x.iso", range("500000-599999"));
    await held.mirror.origin.asked.reaches(2);
    await settle();
    await held.completes();
    assertSameBytes(await (await waiting).bytes(), ALL.slice(500_000, 600_000));
    assertEquals(held.mirror.ranges, ["-", "bytes=500000-599999"]);
  });
}

Deno.test("another mirror with the same file gives the part when the first one cannot", async () => {
  const mirrors = [
    new Mirror({ ...DATE, etag: '"a"' }),
    new Mirror({ "last-modified": formatHttpDate(NOON + 1000) }),
    new Mirror({ ...DATE, etag: '"c"' }),
  ];
  await using held = await underWay(mirrors);
  held.mirror.part = () => new Response(ALL, { headers: { ...DATE, etag: '"a"' } });
  const response = await held.proxy.fetch("/x.iso", range("500000-599999"));
  assertEquals(response.headers.get("etag"), '"a"');
  assertSameBytes(await response.bytes(), ALL.slice(500_000, 600_000));
  assertEquals(mirrors.map(({ ranges }) => ranges), [
    ["-", "bytes=500000-599999"],
    ["bytes=500000-599999"],
    ["bytes=500000-599999"],
  ]);
  const conditions = mirrors.map(({ origin }) => origin.seen.at(-1)?.headers.get("if-range"));
  assertEquals(conditions, ['"a"', null, null]);
  await held.completes();
});

Deno.test("the file is taken when it is there before the mirror has answered", async () => {
  // No timeout ends what is not ended for this reason.
  await using held = await underWay(undefined, {}, new ManualClock(NOON));
  const left = silent(held.mirror);
  const waiting = held.proxy.fetch("/x.iso", range("500000-599999"));
  await held.mirror.origin.asked.reaches(2);
  held.mirror.giveUpTo(600_000);
  assertSameBytes(await (await waiting).bytes(), ALL.slice(500_000, 600_000));
  await left;
  await held.completes(600_000);
});

/** From now on the mirror does not answer. Resolves when whoever asked has given up. */
function silent({ origin }: Mirror): Promise<void> {
  const left = new Gate();
  origin.answer = async (_, raw) => {
    raw.signal.addEventListener("abort", () => left.open());
    await left.opened;
    return new Response(null, { status: 500 });
  };
  return left.opened;
}

/** A part whose first piece arrives, and which then breaks off. */
function broken(all: Bytes, pieceBytes: number, until: Promise<void>, facts: Facts = ETAG): Part {
  return (start, end) => {
    let next = 0;
    const stream = new ReadableStream<Bytes>({
      async pull(controller) {
        if (next++ === 0) return controller.enqueue(all.slice(start, start + pieceBytes));
        await until;
        throw new Error("The mirror breaks off, as the test wants");
      },
    }, { highWaterMark: 0 });
    return partOf(all, start, end, facts, stream);
  };
}

Deno.test("a part that breaks off goes on from the file when that is there", async () => {
  await using held = await underWay();
  const breaks = new Gate();
  held.mirror.part = broken(ALL, 70_000, breaks.opened);
  const response = await held.proxy.fetch("/x.iso", range("500000-599999"));
  const reader = response.body?.getReader();
  if (reader === undefined) throw new Error("There is no body");
  const first = await readSome(reader, 70_000);
  held.mirror.giveUpTo(590_000);
  const joiner = (await held.proxy.fetch("/x.iso")).body?.getReader();
  if (joiner === undefined) throw new Error("There is no body");
  await readSome(joiner, 590_000);
  await joiner.cancel();
  breaks.open();
  const next = await readSome(reader, 20_000);
  held.mirror.giveUpTo(ALL.byteLength, 590_000);
  const bytes = await new Blob([first, next, await readRest(reader)]).bytes();
  assertSameBytes(bytes, ALL.slice(500_000, 600_000));
  assertEquals(held.mirror.ranges, ["-", "bytes=500000-599999"]);
});

Deno.test("a part that breaks off is asked for again from a little before the break", async () => {
  await using held = await underWay();
  const whole = held.mirror.part;
  const breaks = broken(ALL, 70_000, Promise.resolve());
  held.mirror.part = (...asked) => {
    held.mirror.part = whole;
    return breaks(...asked);
  };
  const response = await held.proxy.fetch("/x.iso", range("500000-599999"));
  assertSameBytes(await response.bytes(), ALL.slice(500_000, 600_000));
  const from = 500_000 + 70_000 - 64 * 1024;
  assertEquals(held.mirror.ranges, ["-", "bytes=500000-599999", `bytes=${from}-599999`]);
});

Deno.test("a part that breaks off is gone on with by another mirror before its own", async () => {
  const mirrors = [new Mirror(DATE), new Mirror(DATE)];
  await using held = await underWay(mirrors);
  held.mirror.part = broken(ALL, 70_000, Promise.resolve(), DATE);
  const response = await held.proxy.fetch("/x.iso", range("500000-599999"));
  assertSameBytes(await response.bytes(), ALL.slice(500_000, 600_000));
  assertEquals(mirrors.map(({ ranges }) => ranges.length), [2, 1]);
});

Deno.test("a part that nobody goes on with goes on when the fill is there", async () => {
  await using held = await underWay();
  const breaks = broken(ALL, 70_000, Promise.resolve());
  held.mirror.part = (...asked) => {
    held.mirror.part = () => new Response(null, { status: 503 });
    return breaks(...asked);
  };
  const getting = held.proxy.fetch("/x.iso", range("500000-599999")).then((it) => it.bytes());
  await held.mirror.origin.asked.reaches(3);
  await settle();
  await held.completes();
  assertSameBytes(await getting, ALL.slice(500_000, 600_000));
  assertEquals(held.mirror.ranges.length, 3);
});

Deno.test("bytes of a part and of a file that differ are never joined", async () => {
  await using held = await underWay();
  const breaks = new Gate();
  const other = ALL.slice();
  other.fill(0, 569_000, 569_010);
  held.mirror.part = broken(other, 70_000, breaks.opened);
  const response = await held.proxy.fetch("/x.iso", range("500000-599999"));
  await held.completes();
  breaks.open();
  await assertRejects(() => response.bytes());
});

Deno.test("a client that leaves ends the request for its part, and not the fill", async () => {
  await using held = await underWay();
  const body = new GatedBody([ALL.slice(500_000, 510_000), ALL.slice(510_000, 600_000)]);
  held.mirror.part = (start, end) => partOf(ALL, start, end, ETAG, body.stream);
  const response = await held.proxy.fetch("/x.iso", range("500000-599999"));
  await response.body?.cancel();
  await body.cancelled;
  await held.completes();
});

Deno.test("a client that leaves before its part has begun ends the request for it", async () => {
  await using held = await underWay(undefined, {}, new ManualClock(NOON));
  const left = silent(held.mirror);
  const abort = new AbortController();
  const getting = held.proxy.fetch("/x.iso", { ...range("500000-"), signal: abort.signal });
  await held.mirror.origin.asked.reaches(2);
  abort.abort();
  await assertRejects(() => getting);
  await left;
  await held.completes();
});

Deno.test("a fill that breaks off leaves the parts ahead of it alone", async () => {
  await using held = await underWay();
  const body = new GatedBody([ALL.slice(500_000, 510_000), ALL.slice(510_000, 600_000)]);
  held.mirror.part = (start, end) => partOf(ALL, start, end, ETAG, body.stream);
  const response = await held.proxy.fetch("/x.iso", range("500000-599999"));
  held.mirror.origin.answer = () => new Response(null, { status: 500 });
  held.mirror.whole.fail(new Error("The mirror breaks off, as the test wants"));
  await held.proxy.settled();
  body.release();
  assertSameBytes(await response.bytes(), ALL.slice(500_000, 600_000));
  await held.proxy.assertNothingStored();
});

Deno.test("joiners of the fill and readers of parts do not meet", async () => {
  await using held = await underWay();
  const joining = held.proxy.fetch("/x.iso").then((it) => it.bytes());
  const parts = await Promise.all([300_000, 600_000, 900_000].map(async (start) => {
    const response = await held.proxy.fetch("/x.iso", range(`${start}-${start + 99_999}`));
    return { start, bytes: await response.bytes() };
  }));
  for (const { start, bytes } of parts) assertSameBytes(bytes, ALL.slice(start, start + 100_000));
  assertEquals(held.mirror.ranges.length, 4);
  await held.completes();
  assertSameBytes(await joining, ALL);
});

for (
  const [bound, count, fetch] of [
    ["16 parts of a file", 16, {}],
    ["as many parts as there may be fills", 2, { "max-fills": 2 }],
  ] as const
) {
  Deno.test(`at most ${bound} are fetched at once, and further ranges wait`, async () => {
    await using held = await underWay(undefined, fetch);
    const open = new Gate();
    held.mirror.part = async (start, end) => {
      await open.opened;
      return partOf(ALL, start, end, ETAG);
    };
    const getting = [...Array(count + 1).keys()].map((at) => 300_000 + at * 1000)
      .map(async (start) => {
        const response = await held.proxy.fetch("/x.iso", range(`${start}-${start + 9}`));
        assertSameBytes(await response.bytes(), ALL.slice(start, start + 10));
      });
    await held.mirror.origin.asked.reaches(1 + count);
    await settle();
    assertEquals(held.mirror.ranges.length, 1 + count);
    // Who reads parts keeps no fill away.
    if (count === 2) {
      const other = await held.proxy.fetch("/y", { headers: { range: "bytes=0-0" } });
      assertEquals(other.status === 503, false);
      await other.body?.cancel();
    }
    open.open();
    await held.completes();
    await Promise.all(getting);
  });
}

Deno.test("room for a part is given back however it ends", async () => {
  await using held = await underWay(undefined, { "max-fills": 1 });
  const whole = held.mirror.part;
  const get = (start: number) => held.proxy.fetch("/x.iso", range(`${start}-${start + 9}`));
  assertSameBytes(await (await get(300_000)).bytes(), ALL.slice(300_000, 300_010));
  const body = new GatedBody([ALL.slice(400_000, 400_001), ALL.slice(400_001, 400_010)]);
  held.mirror.part = (start, end) => partOf(ALL, start, end, ETAG, body.stream);
  await (await get(400_000)).body?.cancel();
  await body.cancelled;
  held.mirror.part = () => new Response(null, { status: 500 });
  const waiting = get(500_000);
  await held.mirror.origin.asked.reaches(4);
  await settle();
  held.mirror.part = whole;
  // More than 16, which a file may have at once.
  for (let start = 600_000; start < 600_017; start++) {
    assertSameBytes(await (await get(start)).bytes(), ALL.slice(start, start + 10));
  }
  assertEquals(held.mirror.ranges.length, 4 + 17);
  await held.completes();
  assertSameBytes(await (await waiting).bytes(), ALL.slice(500_000, 500_010));
});

Deno.test("a shutdown breaks the transfer of a part and leaves nothing", async () => {
  const mirror = new Mirror(ETAG);
  const held = await underWay([mirror]);
  const body = new GatedBody([ALL.slice(500_000, 510_000), ALL.slice(510_000, 600_000)]);
  mirror.part = (start, end) => partOf(ALL, start, end, ETAG, body.stream);
  const response = await held.proxy.fetch("/x.iso", range("500000-599999"));
  const getting = assertRejects(() => response.bytes());
  await held[Symbol.asyncDispose]();
  await getting;
  await body.cancelled;
});
