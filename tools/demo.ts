/**
 * Shows on one machine what the proxy does: four mirrors race, one wins, the second download is a
 * hit. No network; after ten seconds at the latest everything is gone.
 *
 * @module
 */

import { stringify } from "@std/yaml";
import { loadConfig } from "../src/config/load_config.ts";
import { type Proxy, startProxy } from "../src/main/proxy.ts";
import { systemClock } from "../src/main/system_clock.ts";
import { type Download, noDownload, runDownload } from "./demo/download.ts";
import { coloured, progressLine } from "./demo/progress_line.ts";
import { Screen } from "./demo/screen.ts";
import { hashOfFile, ToyMirror } from "./demo/toy_mirror.ts";

const MIB = 1024 ** 2;
const FILE_BYTES = 64 * MIB;

/** What a mirror must deliver to win. */
const FIRST_CHUNK_BYTES = 8 * MIB;

const MAX_RUN_MS = 9_000;
const FRAME_MS = 50;

/** How often to look whether the file is published, and for how long at most. */
const PUBLISHED_EVERY_MS = 20;
const MAX_PUBLISHING_MS = 3_000;

/** For what the client has just given up to be noticed, rather than cut with a complaint. */
const STOP_GRACE_MS = 300;

const PATH = "/debian/pool/demo.iso";

if (import.meta.main) Deno.exitCode = await main();

async function main(): Promise<number> {
  const stopping = new AbortController();
  const stop = (): void => stopping.abort("stopped");
  const timer = setTimeout(() => stopping.abort("took too long"), MAX_RUN_MS);
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const signal of signals) Deno.addSignalListener(signal, stop);
  try {
    await demo(stopping.signal);
    return 0;
  } catch (error) {
    if (!stopping.signal.aborted) throw error;
    Deno.stderr.writeSync(new TextEncoder().encode(`The demo was ${stopping.signal.reason}\n`));
    return stopping.signal.reason === "stopped" ? 0 : 1;
  } finally {
    clearTimeout(timer);
    for (const signal of signals) Deno.removeSignalListener(signal, stop);
  }
}

async function demo(signal: AbortSignal): Promise<void> {
  // A proxy of the environment has no way to this machine's loopback.
  for (const name of ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]) Deno.env.delete(name);
  await using stack = new AsyncDisposableStack();
  const mirrors = startMirrors().map((mirror) => stack.use(mirror));
  const folder = await Deno.makeTempDir({ prefix: "cache-proxy-demo-" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const proxy = await startDemoProxy(mirrors, folder);
  stack.defer(() => proxy.stop(STOP_GRACE_MS, new AbortController().signal));
  const screen = stack.use(new Screen());
  const url = `http://127.0.0.1:${proxy.address.port}${PATH}`;

  screen.print([
    "cache-proxy demo: four mirrors, one proxy, one client, all on this machine",
    "",
    `First download: the mirror that first delivers ${FIRST_CHUNK_BYTES / MIB} MiB wins the race`,
    "",
  ]);
  const miss = noDownload();
  const downloaded = runDownload(url, miss, signal);
  await drawUntil(downloaded, screen, () => missLines(mirrors, miss));

  await published(url, signal);
  const spent = sentBy(mirrors);
  screen.print(["", "Second download: from the cache", ""]);
  const hit = noDownload();
  await drawUntil(runDownload(url, hit, signal), screen, () => [clientLine(hit)]);

  const extra = spent - FILE_BYTES;
  const percent = (extra / FILE_BYTES * 100).toFixed(1);
  const isSame = [miss, hit].every(({ hash }) => hash === hashOfFile(FILE_BYTES));
  screen.print([
    "",
    `The race cost ${mib(extra)} on top of the file (${percent} %), ` +
    `the second download ${mib(sentBy(mirrors) - spent)}.`,
    isSame
      ? `Both downloads are the mirrors' file: SHA-256 ${miss.hash.slice(0, 16)}…`
      : coloured("A download is not what the mirrors have!", "red"),
  ]);
  if (!isSame) throw new Error("The demo has found a fault in the proxy");
}

function startMirrors(): ToyMirror[] {
  return [
    new ToyMirror("fast", FILE_BYTES, { bytesPerSecond: 22 * MIB, breaksOffAfter: null }),
    new ToyMirror("slow", FILE_BYTES, { bytesPerSecond: MIB, breaksOffAfter: null }),
    new ToyMirror("silent", FILE_BYTES, { bytesPerSecond: 0, breaksOffAfter: null }),
    new ToyMirror("flaky", FILE_BYTES, { bytesPerSecond: 24 * MIB, breaksOffAfter: 3 * MIB }),
  ];
}

async function startDemoProxy(mirrors: readonly ToyMirror[], folder: string): Promise<Proxy> {
  const { config } = loadConfig(
    stringify({
      listen: { address: "127.0.0.1", port: 0 },
      admin: { port: 0 },
      upstream: mirrors.map(({ name, url }) => ({ name, server: url })),
      misc: { "first-chunk-bytes": FIRST_CHUNK_BYTES },
      // All of them race, and one of them gives the whole file.
      race: { width: mirrors.length, segments: "off" },
      storage: { local: { path: folder } },
    }),
    () => undefined,
  );
  return await startProxy(config, { version: "demo", clock: systemClock });
}

/** Draws what `lines` gives, again and again, until the work is done. */
async function drawUntil(
  work: Promise<void>,
  screen: Screen,
  lines: () => string[],
): Promise<void> {
  const timer = setInterval(() => screen.draw(lines()), FRAME_MS);
  try {
    await work;
    screen.print(lines());
  } finally {
    clearInterval(timer);
  }
}

/** The last byte of a download comes before its file is published, which is when it can be hit. */
async function published(url: string, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + MAX_PUBLISHING_MS;
  for (;;) {
    const response = await fetch(url, { headers: { range: "bytes=0-0" }, signal });
    await response.body?.cancel();
    if (response.headers.get("x-cache") === "HIT") return;
    if (performance.now() > deadline) throw new Error("The file is not published");
    await new Promise((resolve) => setTimeout(resolve, PUBLISHED_EVERY_MS));
  }
}

function missLines(mirrors: readonly ToyMirror[], miss: Download): string[] {
  return [...mirrors.map((mirror) => mirrorLine(mirror, miss)), "", clientLine(miss)];
}

function mirrorLine({ name, sent, state }: ToyMirror, miss: Download): string {
  if (name === miss.upstream) {
    const remark = `won after ${seconds(miss.headMs ?? 0)}`;
    return progressLine(name, sent, FILE_BYTES, remark, "green");
  }
  const remark = state === "cancelled" && sent === 0 ? "cancelled, had not answered" : state;
  const colour = state === "broke off" ? "red" : state === "cancelled" ? "grey" : "plain";
  return progressLine(name, sent, FILE_BYTES, remark, colour);
}

function clientLine({ bytes, result, totalMs }: Download): string {
  const end = totalMs === null
    ? ""
    : ` in ${seconds(totalMs)}, ${mib(FILE_BYTES / (totalMs / 1000))}/s`;
  return progressLine("client", bytes, FILE_BYTES, result + end, "green");
}

function sentBy(mirrors: readonly ToyMirror[]): number {
  return mirrors.reduce((sum, { sent }) => sum + sent, 0);
}

function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(bytes < 1000 * MIB ? 1 : 0)} MiB`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
