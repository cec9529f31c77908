import { assertEquals, assertRejects } from "@std/assert";
import { FAILURES_TO_OPEN } from "../../src/fill/breaker.ts";
import { fileAnswer } from "../support/answers.ts";
import {
  BAD_MIRRORS,
  type BadMirror,
  SHORT_BODY,
  SILENT_MIRRORS,
  SMALL_BODY_BYTES,
} from "../support/bad_mirrors.ts";
import { assertSameBytes, randomBytes } from "../support/body.ts";
import { NOON } from "../support/facts.ts";
import { Gate, settle } from "../support/gate.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { Origin, RawOrigin } from "../support/origin.ts";
import { rangeMirror } from "../support/range_mirror.ts";
import { TestProxy } from "../support/test_proxy.ts";

const TIMES = 20;
const SIZES = [5000, 300 * 1024];

/** Two mirrors, of which the bad one always answers first. */
async function besideGood(
  bad: BadMirror,
  all: Uint8Array<ArrayBuffer>,
  misc: Record<string, unknown> = {},
) {
  const badOrigin = bad.start(all.byteLength);
  let asked = 0;
  const good = new Origin(async (seen, request) => {
    // One that keeps failing is not asked any more.
    await badOrigin.asked.reaches(Math.min(++asked, FAILURES_TO_OPEN));
    if (!SILENT_MIRRORS.includes(bad)) await badOrigin.idle();
    return await fileAnswer(all)(seen, request);
  });
  const upstreams = [badOrigin.url, good.url];
  // No time passes: nobody wins because this machine is busy.
  const clock = new ManualClock();
  // Each race asks one more than it has to: the bad mirror, though the good one is quick.
  const random = (): number => 0;
  const proxy = await TestProxy.start({ upstreams, config: { misc }, clock, random });
  return {
    proxy,
    async [Symbol.asyncDispose](): Promise<void> {
      await proxy[Symbol.asyncDispose]();
      await good[Symbol.asyncDispose]();
      await badOrigin[Symbol.asyncDispose]();
    },
  };
}

async function assertGoodWins(proxy: TestProxy, all: Uint8Array<ArrayBuffer>): Promise<void> {
  for (let n = 0; n < TIMES; n++) {
    const response = await proxy.fetch(`/${n}.deb`);
    assertEquals(response.status, 200);
    assertSameBytes(await response.bytes(), all);
  }
  await proxy.settled();
  assertEquals(proxy.storedKeys().length, TIMES);
}

for (const size of SIZES) {
  for (const bad of [...SILENT_MIRRORS, ...BAD_MIRRORS]) {
    Deno.test(`beside a mirror that is bad (${bad.name}) a good one wins, ${size} bytes`, async () => {
      const all = randomBytes(size);
      await using held = await besideGood(bad, all);
      await assertGoodWins(held.proxy, all);
    });
  }
}

Deno.test("beside a mirror that breaks off a small body a good one wins", async () => {
  const all = randomBytes(SMALL_BODY_BYTES);
  await using held = await besideGood(SHORT_BODY, all);
  await assertGoodWins(held.proxy, all);
});

Deno.test("beside a mirror that breaks off a large body a good one wins a race by bandwidth", async () => {
  const all = randomBytes(300 * 1024);
  await using held = await besideGood(SHORT_BODY, all, { "first-chunk-bytes": "1MiB" });
  await assertGoodWins(held.proxy, all);
});

Deno.test("FIELD: a truncated file: a large body that breaks off after its race goes on from the good mirror", async () => {
  const all = randomBytes(1024 * 1024);
  const dated = { lastModified: NOON };
  for (let n = 0; n < TIMES; n++) {
    await using bad = new Origin(rangeMirror(all, { ...dated, breakAt: 300 * 1024 }));
    await using good = new Origin(async (seen, request) => {
      await bad.asked.reaches(1);
      return await rangeMirror(all, dated)(seen, request);
    });
    await using proxy = await TestProxy.start({ upstreams: [bad.url, good.url] });
    const response = await proxy.fetch("/x.deb");
    assertSameBytes(await response.bytes(), all);
    await proxy.settled();
    assertSameBytes(await Deno.readFile(proxy.file("x.deb")), all);
  }
});

Deno.test("a large body without validators that breaks off after its race is a broken transfer, never a short success", async () => {
  const gate = new Gate();
  await using bad = new RawOrigin(async ({ write }) => {
    await write("HTTP/1.1 200 OK\r\nContent-Length: 307200\r\n\r\n" + "x".repeat(100_000));
    await gate.opened;
  });
  await using good = new Origin(async () => {
    await gate.opened;
    return new Response("too late");
  });
  await using proxy = await TestProxy.start({ upstreams: [bad.url, good.url] });
  const response = await proxy.fetch("/x.deb");
  assertEquals(response.headers.get("content-length"), "307200");
  gate.open();
  await assertRejects(() => response.bytes());
  await proxy.assertNothingStored();
});

for (const bad of [...BAD_MIRRORS, SHORT_BODY]) {
  for (const size of SIZES) {
    const status = bad.aloneStatus(size);
    Deno.test(`a bad mirror alone (${bad.name}, ${size} bytes) is ${status ?? "a broken transfer"}`, async () => {
      await using origin = bad.start(size);
      await using proxy = await TestProxy.start({ upstreams: [origin.url] });
      for (let again = 0; again < 3; again++) {
        const response = await proxy.fetch("/x.deb");
        // If it is seen at once that a body is short, it has not even begun.
        if (status === null && response.status === 200) {
          await assertRejects(() => response.bytes());
        } else if (status === null) {
          assertEquals(response.status, 502);
          await response.body?.cancel();
        } else {
          assertEquals(response.status, status);
          await response.body?.cancel();
        }
        await proxy.assertNothingStored();
      }
    });
  }
}

for (const bad of SILENT_MIRRORS) {
  for (const size of SIZES) {
    Deno.test(`a mirror that is ${bad.name} alone is 504, ${size} bytes`, async () => {
      const clock = new ManualClock();
      await using origin = bad.start(size);
      await using proxy = await TestProxy.start({ upstreams: [origin.url], clock });
      const idle = clock.pending;
      const asking = proxy.get("/x.deb");
      await origin.asked.reaches(1);
      // Its time may begin anew with its head; in the end it is over.
      while (clock.pending > idle) {
        clock.advance(1000);
        await settle();
      }
      assertEquals((await asking).response.status, 504);
      await proxy.assertNothingStored();
      await origin.idle();
    });
  }
}
