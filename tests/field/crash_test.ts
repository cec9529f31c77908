import { assertEquals } from "@std/assert";
import { fileAnswer } from "../support/answers.ts";
import { bytesOf } from "../support/body.ts";
import { GatedBody } from "../support/gated_body.ts";
import { Origin } from "../support/origin.ts";
import { tempDir } from "../support/temp_dir.ts";
import { TestProxy } from "../support/test_proxy.ts";

Deno.test("FIELD: an entry stuck updating after a crash: what a fill leaves behind hinders nobody", async () => {
  await using folder = await tempDir();
  const body = new GatedBody([bytesOf("half"), bytesOf(" a file")]);
  await using origin = new Origin(() => new Response(body.stream));
  {
    await using proxy = await TestProxy.start({ upstreams: [origin.url], dataDir: folder.path });
    await (await proxy.fetch("/x")).body?.cancel();
    // What a crash would leave: this very file, which nobody removes.
    const [partial = ""] = proxy.files();
    await Deno.copyFile(proxy.file(partial), proxy.file(".cache-proxy/partial/temp.crashed"));
  }
  origin.answer = fileAnswer("all of it");
  await using proxy = await TestProxy.start({ upstreams: [origin.url], dataDir: folder.path });
  await proxy.assertNothingStored();
  assertEquals((await proxy.get("/x")).text, "all of it");
  await proxy.settled();
  assertEquals((await proxy.get("/x")).response.headers.get("x-cache"), "HIT");
});
