import { curl } from "./curl.ts";
import type { Server } from "./server.ts";
import type { Bench } from "./work.ts";

/** A body's last byte comes before its file is published. */
const MAX_TRIES = 50;

/**
 * Fetches until the origin is no longer asked.
 *
 * @returns The URL.
 * @throws When the origin still is.
 */
export async function makeHit(server: Server, bench: Bench, bytes: number): Promise<string> {
  const url = `${server.url}/${bytes}/hit.deb`;
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const before = await bench.origin.requests();
    const [answer] = await curl(url);
    if (answer?.bytes !== bytes) throw new Error(`Cannot fetch ${url}: ${answer?.bytes} bytes`);
    if (await bench.origin.requests() === before) return url;
  }
  throw new Error("Cannot measure hits: the origin is asked each time");
}
