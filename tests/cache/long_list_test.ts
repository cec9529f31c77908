import { assert, assertEquals } from "@std/assert";
import process from "node:process";
import { KnownDigests } from "../../src/cache/known_digests.ts";
import { compilePattern } from "../../src/config/go_pattern.ts";
import { systemClock } from "../../src/main/system_clock.ts";
import { DigestIndex } from "../../src/storage/digest_index.ts";
import { LocalStorage } from "../../src/storage/local_storage.ts";
import { NO_LIMITS } from "../support/no_limits.ts";
import { tempDir } from "../support/temp_dir.ts";

/** As many files as Debian's `Packages` of one architecture. */
const FILES = 65_000;

/** Of the text: about 55 MB in all. */
const PADDING = "words about what is in the package and who takes care of it, ".repeat(12);

/**
 * Processor time of the whole process between two turns of the event loop, in milliseconds: it shows
 * less of what else the machine does than the time on the wall. Measured: 28.
 */
const MAX_TURN_MS = 120;

/** More memory than before, in bytes; measured: some 10 MB. */
const MAX_MORE_BYTES = 96 * 1024 * 1024;

Deno.test("a list of 55 MB is read in little memory, and lets others have their turn", async () => {
  await using dir = await tempDir();
  const key = "/d/dists/sid/main/Packages";
  Deno.mkdirSync(`${dir.path}/d/dists/sid/main`, { recursive: true });
  writeList(dir.path + key);
  const storage = await LocalStorage.open({
    path: dir.path,
    temporaryFilePattern: "temp.*",
    limits: NO_LIMITS,
  });
  await storage.adopt(key);
  const index = DigestIndex.open(storage.digestsFile);
  const known = new KnownDigests({
    ...{ storage, clock: systemClock, filler: null, onWrong: null },
    openIndex: () => index,
  }, {
    digests: [{ match: compilePattern("/Packages$"), format: "apt-packages" }],
    policies: [],
    upstreams: [],
  });
  const before = Deno.memoryUsage().rss;
  let [longest, most, last] = [0, before, processorMs()];
  const timer = setInterval(() => {
    const now = processorMs();
    longest = Math.max(longest, now - last);
    most = Math.max(most, Deno.memoryUsage().rss);
    last = now;
  }, 1);
  try {
    await known.settled();
  } finally {
    clearInterval(timer);
  }
  assertEquals(index.rows, FILES);
  assertEquals(index.find(`/d/pool/f/foo64999_1.0_amd64.deb`).map(({ size }) => size), [64_999]);
  assert(longest < MAX_TURN_MS, `one turn took ${longest} ms`);
  assert(most - before < MAX_MORE_BYTES, `took ${most - before} bytes more`);
  await known.stop();
  storage.close();
});

function writeList(path: string): void {
  using file = Deno.openSync(path, { write: true, create: true });
  const encoder = new TextEncoder();
  for (let n = 0; n < FILES; n += 1_000) {
    const paragraphs = Array.from(
      { length: 1_000 },
      (_, i) =>
        `Package: foo${n + i}\nDescription: ${PADDING}\nFilename: pool/f/foo${
          n + i
        }_1.0_amd64.deb\n` +
        `Size: ${n + i}\nSHA256: ${String(n + i).padStart(64, "0")}\n\n`,
    );
    const bytes = encoder.encode(paragraphs.join(""));
    for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
  }
}

function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
