/**
 * Reads a long list in a process of its own, since memory and processor time are counted for a whole
 * process, and says what it took.
 *
 * @module
 */

import process from "node:process";
import { KnownDigests } from "../../src/cache/known_digests.ts";
import { compilePattern } from "../../src/config/go_pattern.ts";
import { systemClock } from "../../src/main/system_clock.ts";
import { DigestIndex } from "../../src/storage/digest_index.ts";
import { LocalStorage } from "../../src/storage/local_storage.ts";
import { NO_LIMITS } from "../support/no_limits.ts";

/** As many files as Debian's `Packages` of one architecture. */
const FILES = 65_000;

/** Of the text: about 55 MB in all. */
const PADDING = "words about what is in the package and who takes care of it, ".repeat(12);

/** What reading took. */
export interface LongListRun {
  readonly rows: number;
  /** What is known of the last file. */
  readonly lastSizes: readonly (number | null)[];
  /** Processor time of the whole process between two turns of its event loop, in milliseconds. */
  readonly longestTurnMs: number;
  readonly moreBytes: number;
}

if (import.meta.main) {
  // deno-lint-ignore no-console -- Whoever has started it reads that.
  console.log(JSON.stringify(await readLongList(Deno.args[0] ?? "")));
}

async function readLongList(path: string): Promise<LongListRun> {
  const key = "/d/dists/sid/main/Packages";
  Deno.mkdirSync(`${path}/d/dists/sid/main`, { recursive: true });
  writeList(path + key);
  const storage = await LocalStorage.open({
    path,
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
  await known.settled();
  clearInterval(timer);
  const found = index.find(`/d/pool/f/foo${FILES - 1}_1.0_amd64.deb`);
  const run = {
    rows: index.rows,
    lastSizes: found.map(({ size }) => size),
    longestTurnMs: longest,
    moreBytes: most - before,
  };
  await known.stop();
  storage.close();
  return run;
}

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
