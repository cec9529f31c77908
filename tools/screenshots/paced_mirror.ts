import { Origin } from "../../tests/support/origin.ts";

/** How often a body goes on, in milliseconds. */
const STEP_MS = 50;

/** How a mirror of the scene is. */
export interface PacedMirror {
  /** Until the head of an answer, in milliseconds. */
  readonly headMs: number;
  /** Of bodies. */
  readonly bytesPerSecond: number;
  /** What it answers with; without it as it should. */
  readonly status?: number;
}

/** A mirror on loopback that has a file under every path, and gives parts of it. */
export function pacedMirror(how: PacedMirror, sizeOf: (path: string) => number): Origin {
  return new Origin(async ({ method, target, headers: asked }) => {
    await later(how.headMs);
    if (how.status !== undefined && how.status !== 200) {
      return new Response("No", { status: how.status });
    }
    const size = sizeOf(target);
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(asked.get("range") ?? "") ?? [];
    const first = Number(from ?? 0);
    const last = to === undefined || to === "" ? size - 1 : Math.min(Number(to), size - 1);
    const headers = {
      "accept-ranges": "bytes",
      "content-length": String(last - first + 1),
      ...from === undefined ? {} : { "content-range": `bytes ${first}-${last}/${size}` },
      etag: `"${size}"`,
      "content-type": "application/octet-stream",
      "last-modified": "Thu, 01 Oct 2026 08:00:00 GMT",
    };
    const body = method === "HEAD" ? null : paced(last - first + 1, how.bytesPerSecond);
    return new Response(body, { status: from === undefined ? 200 : 206, headers });
  });
}

function paced(size: number, bytesPerSecond: number): ReadableStream<Uint8Array<ArrayBuffer>> {
  let left = size;
  return new ReadableStream({
    async pull(controller): Promise<void> {
      if (left === 0) return controller.close();
      await later(STEP_MS);
      const piece = Math.min(left, Math.ceil(bytesPerSecond * STEP_MS / 1000));
      left -= piece;
      controller.enqueue(new Uint8Array(piece));
    },
  }, { highWaterMark: 0 });
}

function later(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
