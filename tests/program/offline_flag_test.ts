import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { RawOrigin } from "../support/origin.ts";
import { ProgramUnderTest } from "../support/program_under_test.ts";
import { tempDir } from "../support/temp_dir.ts";

Deno.test("--offline: no mirror sees a connection, whatever the file says", async () => {
  await using folder = await tempDir();
  await Deno.writeTextFile(join(folder.path, "hello"), "hello");
  await using origin = new RawOrigin(() => {}, { resets: true });
  const config = {
    upstream: [{ server: origin.url, "allow-methods": ["POST"] }],
    cache: { timeout: "0s", offline: false, "stale-while-revalidate": "1d" },
  };
  const dataDir = folder.path;
  await using program = await ProgramUnderTest.start({ config, dataDir, args: ["--offline"] });
  const check = async (): Promise<void> => {
    const stored = await program.fetch("/hello");
    assertEquals([stored.headers.get("x-cache"), await stored.text()], ["STALE", "hello"]);
    for (const method of ["GET", "POST"]) {
      const missing = await program.fetch("/missing", { method });
      assertEquals(missing.status, 504);
      assertStringIncludes((await missing.text()).toLowerCase(), "the proxy is offline");
    }
    assertEquals((await program.fetch("/missing", { method: "HEAD" })).status, 504);
  };
  await check();
  // The flag beats the file on a reload, too.
  assertStringIncludes(String((await program.reload(config))["message"]), "Applied");
  await check();
  const line = await program.line(({ path }) => path === "/missing");
  assertEquals([line["status"], line["reason"]], [504, "offline"]);
  assertEquals(origin.asked.count, 0);
});
