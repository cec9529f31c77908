import { assertEquals } from "@std/assert";
import { formatHttpDate } from "../../src/decide/http_date.ts";
import { fileAnswer, statusAnswer } from "../support/answers.ts";
import { NOON } from "../support/facts.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { Origin } from "../support/origin.ts";
import { tempDir } from "../support/temp_dir.ts";
import { TestProxy } from "../support/test_proxy.ts";

const HOUR = 3_600_000;
const YESTERDAY = NOON - 24 * HOUR;

/** A data directory that another program has filled. */
async function filled() {
  const folder = await tempDir();
  await Deno.mkdir(`${folder.path}/pool`);
  const path = `${folder.path}/pool/hello.deb`;
  await Deno.writeTextFile(path, "hello");
  await Deno.utime(path, YESTERDAY / 1000, YESTERDAY / 1000);
  return folder;
}

Deno.test("a file of another program is a hit without a download", async () => {
  await using folder = await filled();
  await using origin = new Origin(statusAnswer(500));
  const policies = [{ match: "\\.deb$", "refresh-after": "never" }];
  await using proxy = await TestProxy.start({
    upstreams: [origin.url],
    dataDir: folder.path,
    clock: new ManualClock(NOON),
    config: { cache: { policies } },
  });
  for (const method of ["HEAD", "GET"]) {
    const { response, text } = await proxy.get("/pool/hello.deb", { method });
    assertEquals([response.status, response.headers.get("x-cache")], [200, "HIT"]);
    assertEquals(text, method === "GET" ? "hello" : "");
    assertEquals(response.headers.get("last-modified"), formatHttpDate(YESTERDAY));
    assertEquals(response.headers.get("content-type"), "application/x-debian-package");
    assertEquals(response.headers.get("content-length"), "5");
  }
  assertEquals(origin.seen, []);
});

Deno.test("a file of another program is revalidated by its mtime", async () => {
  await using folder = await filled();
  await using origin = new Origin(fileAnswer("hello", { lastModified: YESTERDAY }));
  const clock = new ManualClock(NOON);
  const options = { upstreams: [origin.url], dataDir: folder.path, clock };
  await using proxy = await TestProxy.start(options);
  await proxy.get("/pool/hello.deb");
  clock.advance(2 * HOUR);
  const { response, text } = await proxy.get("/pool/hello.deb");
  assertEquals([text, response.headers.get("x-cache")], ["hello", "REVALIDATED"]);
  for (const { headers } of origin.seen) {
    assertEquals(headers.get("if-modified-since"), formatHttpDate(YESTERDAY));
    assertEquals(headers.get("if-none-match"), null);
  }
});

Deno.test("a file that is put into the tree while the proxy runs is found", async () => {
  await using origin = new Origin(statusAnswer(404));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  assertEquals((await proxy.get("/late")).response.status, 404);
  await Deno.writeTextFile(proxy.file("late"), "here");
  assertEquals((await proxy.get("/late")).text, "here");
});
