import { assertEquals, assertRejects } from "@std/assert";
import { assertSameBytes, bytesOf, randomBytes } from "../support/body.ts";
import { fileAnswer } from "../support/answers.ts";
import { FaultyDisk, FaultyDiskProxy } from "../support/faulty_disk.ts";
import { GatedBody } from "../support/gated_body.ts";
import { settle } from "../support/gate.ts";
import { Origin, RawOrigin } from "../support/origin.ts";
import { RawClient } from "../support/raw_client.ts";

const MIB = 1024 * 1024;

const ALL = randomBytes(30 * MIB);

/**
 * Starts a proxy, lets the script run and aborts everything, which must come to an end, though no
 * client has left yet. What the script gives back leaves after that.
 */
async function abortAfter(
  server: string,
  disk: FaultyDisk,
  script: (proxy: FaultyDiskProxy) => Promise<Disposable | void>,
): Promise<void> {
  await using proxy = await FaultyDiskProxy.start(disk, [server]);
  using _ = await script(proxy) ?? null;
  await proxy.flights.abortAll();
  assertEquals(proxy.partials(), []);
  const entry = proxy.storage.find("/x");
  // It may have been too late for an abort; then all of it is there.
  if (entry !== null) assertSameBytes(await Deno.readFile(proxy.storage.pathOf(entry)), ALL);
  // The server's own shutdown follows, and must not close what is closed already.
  proxy.flights.abortAll = () => Promise.resolve();
}

/** A client that asks and reads nothing. */
async function stuckClient(proxy: FaultyDiskProxy): Promise<RawClient> {
  const client = await RawClient.connect(proxy.server.addr.port);
  await client.send("GET /x HTTP/1.1", "Host: x");
  return client;
}

Deno.test("an abort while mirrors are silent ends the race, its requests answered", async () => {
  await using silent = new RawOrigin(({ closedByPeer }) => closedByPeer());
  let asking: Promise<Response> | null = null;
  await abortAfter(silent.url, new FaultyDisk(), async (proxy) => {
    asking = proxy.fetch("/x");
    await silent.asked.reaches(1);
  });
  const response = await (asking as Promise<Response> | null);
  assertEquals(response?.status, 502);
  await response?.body?.cancel();
  await silent.idle();
});

Deno.test("an abort while a HEAD is under way ends it", async () => {
  await using silent = new RawOrigin(({ closedByPeer }) => closedByPeer());
  await abortAfter(silent.url, new FaultyDisk(), async (proxy) => {
    void proxy.fetch("/x", { method: "HEAD" }).catch(() => {});
    await silent.asked.reaches(1);
  });
  await silent.idle();
});

Deno.test("an abort in the middle of a body stores nothing, at whatever moment it comes", async () => {
  await using origin = new Origin(fileAnswer(ALL));
  for (let turns = 0; turns < 20; turns++) {
    await abortAfter(origin.url, new FaultyDisk(), async (proxy) => {
      const asking = proxy.fetch("/x");
      void asking.then((response) => response.bytes()).catch(() => {});
      await origin.asked.reaches(turns + 1);
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setTimeout(resolve));
    });
  }
});

Deno.test("an abort ends a body that is passed on to a client that does not read", async () => {
  const disk = new FaultyDisk();
  disk.canCreate = false;
  await using origin = new Origin(fileAnswer(ALL));
  await abortAfter(origin.url, disk, async (proxy) => {
    const client = await stuckClient(proxy);
    await origin.asked.reaches(1);
    await settle();
    assertEquals(proxy.flights.underWay, 1);
    return client;
  });
});

Deno.test("an abort ends a full disk's rest, though its client does not read", async () => {
  for (const room of [2 * MIB, 20 * MIB]) {
    const disk = new FaultyDisk();
    disk.room = room;
    await using origin = new Origin(fileAnswer(ALL));
    await abortAfter(origin.url, disk, async (proxy) => {
      const client = await stuckClient(proxy);
      while (disk.room > 0) await settle();
      await settle();
      assertEquals(proxy.flights.underWay, 1);
      return client;
    });
  }
});

Deno.test("an abort breaks the transfers of leader and joiners", async () => {
  const body = new GatedBody([bytesOf("hello"), bytesOf("never")]);
  await using origin = new Origin(() => new Response(body.stream));
  const responses: Response[] = [];
  await abortAfter(origin.url, new FaultyDisk(), async (proxy) => {
    responses.push(await proxy.fetch("/x"), await proxy.fetch("/x"));
  });
  for (const response of responses) await assertRejects(() => response.text());
});
