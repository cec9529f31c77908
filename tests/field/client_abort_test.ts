import { assertEquals } from "@std/assert";
import { assertSameBytes, randomBytes } from "../support/body.ts";
import { fileAnswer } from "../support/answers.ts";
import { Origin } from "../support/origin.ts";
import { CAN_LIST_OPEN_FILES, openFiles } from "../support/open_files.ts";
import { RawClient } from "../support/raw_client.ts";
import { TestProxy } from "../support/test_proxy.ts";

const ALL = randomBytes(20 * 1024 * 1024);

Deno.test("FIELD: a client's abort kills or corrupts the fill: it goes on without the client", async () => {
  await using origin = new Origin(fileAnswer(ALL));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  for (const [index, bytes] of [0, 1, 1000, 100_000, 10_000_000].entries()) {
    const path = `/${index}`;
    const client = await RawClient.connect(proxy.port);
    await client.send(`GET ${path} HTTP/1.1`, "Host: x");
    await origin.asked.reaches(index + 1);
    await client.receive(bytes);
    // A socket that is closed with bytes unread resets its connection.
    client[Symbol.dispose]();
    await proxy.stored(path);
    assertSameBytes(await Deno.readFile(proxy.file(path)), ALL);
  }
  assertEquals(origin.seen.length, 5);
});

Deno.test("FIELD: a client's abort kills or corrupts the fill: nothing is left open", {
  ignore: !CAN_LIST_OPEN_FILES,
}, async () => {
  await using origin = new Origin(fileAnswer(ALL));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  await using warm = await TestProxy.start({ upstreams: [proxy.url] });
  await (await warm.fetch("/warm")).bytes();
  await proxy.settled();
  const ranges = ["", "Range: bytes=5000000-", "Range: bytes=0-99,5000000-", "Range: bytes=-1,0-0"];
  for (const path of ["/cold", "/warm", "/cold"]) {
    for (const range of ranges) {
      for (const bytes of [0, 1, 200, 300_000]) {
        const client = await RawClient.connect(proxy.port);
        const lines = ["Host: x", "Connection: close", ...range === "" ? [] : [range]];
        await client.send(`GET ${path} HTTP/1.1`, ...lines);
        await client.receive(bytes);
        client[Symbol.dispose]();
      }
    }
  }
  await proxy.stored("/cold");
  // The server learns of a client that has left when it writes to it.
  while ((await openFiles(proxy.dataDir)).length > 0) await proxy.get("/cold", { method: "HEAD" });
});
