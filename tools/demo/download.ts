import { createHash } from "node:crypto";

/** A download as its client sees it; filled in while it runs. */
export interface Download {
  bytes: number;
  /** Milliseconds from the request to the head of the answer; null before. */
  headMs: number | null;
  /** Milliseconds from the request to the last byte; null before. */
  totalMs: number | null;
  /** What `X-Cache` said; empty before. */
  result: string;
  /** The mirror that `Cache-Status` names; empty before. */
  upstream: string;
  /** SHA-256 of the body in hexadecimal; empty before its end. */
  hash: string;
}

/** A download that has not begun. */
export function noDownload(): Download {
  return { bytes: 0, headMs: null, totalMs: null, result: "", upstream: "", hash: "" };
}

/** Downloads, and keeps `download` up to date on the way. */
export async function runDownload(
  url: string,
  download: Download,
  signal: AbortSignal,
): Promise<void> {
  const startedAt = performance.now();
  const response = await fetch(url, { signal });
  download.headMs = performance.now() - startedAt;
  download.result = response.headers.get("x-cache") ?? "";
  const status = response.headers.get("cache-status") ?? "";
  download.upstream = /detail="([^"]*)"/.exec(status)?.[1] ?? "";
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    download.bytes += chunk.byteLength;
  }
  download.totalMs = performance.now() - startedAt;
  // After the clock has stopped: it is the transfer that is measured.
  const hash = createHash("sha256");
  for (const chunk of chunks) hash.update(chunk);
  download.hash = hash.digest("hex");
}
