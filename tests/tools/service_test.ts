import { assert, assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { tempDir } from "../support/temp_dir.ts";
import { isInstalled } from "./is_installed.ts";

const SERVICE = fromFileUrl(new URL("../../deploy/cache-proxy.service", import.meta.url));
const EXEC_START = "ExecStart=/usr/local/bin/cache-proxy ";

const ignore = !await isInstalled("systemd-analyze", "--version");
if (ignore) {
  Deno.stderr.writeSync(new TextEncoder().encode("Skipped: no systemd-analyze here\n"));
}

Deno.test({ name: "systemd accepts deploy/cache-proxy.service", ignore }, async () => {
  await using folder = await tempDir();
  const unit = await Deno.readTextFile(SERVICE);
  assert(unit.includes(EXEC_START));
  // The executable must be there, and ours is not where tests run.
  const copy = join(folder.path, "cache-proxy.service");
  await Deno.writeTextFile(copy, unit.replace(EXEC_START, `ExecStart=${Deno.execPath()} `));
  const args = ["verify", "--man=no", copy];
  const { code, stderr } = await new Deno.Command("systemd-analyze", { args }).output();
  assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
});

Deno.test("the service may run machine code that it writes, and has time to stop", async () => {
  const unit = await Deno.readTextFile(SERVICE);
  assertNotMatch(unit, /^MemoryDenyWriteExecute/m);
  const seconds = Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1]);
  assert(seconds > 30, `TimeoutStopSec=${seconds}`);
  assertMatch(unit, /^CapabilityBoundingSet=$/m);
});
