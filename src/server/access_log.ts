import type { AccessFacts } from "./exchange.ts";

/** What is told of a request when it has been answered. */
export interface AccessRecord {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** Of the body that were handed to the client's connection. */
  readonly bytes: number;
  readonly ms: number;
  readonly cache: AccessFacts["cache"];
  readonly upstream: string | null;
  readonly reason: string | null;
  readonly client: string;
  /** Whether that was all of it. */
  readonly complete: boolean;
}

/**
 * Who writes the request log; null: nobody. One for the process, as with the log of events, but not
 * by way of that: it would make half of what a hit from memory costs.
 */
let writer: ((record: AccessRecord) => void) | null = null;

/** Who wants to know whether requests are written. */
const followers = new Set<(isLogged: boolean) => void>();

/** Has each request written from now on, or none. */
export function writeRequestsBy(next: ((record: AccessRecord) => void) | null): void {
  writer = next;
  for (const follower of followers) follower(next !== null);
}

/**
 * Tells whether requests are written from now on, each time that it is said anew.
 *
 * @returns What ends that.
 */
export function followAccessLogged(follower: (isLogged: boolean) => void): () => void {
  followers.add(follower);
  return () => void followers.delete(follower);
}

/** Writes what was answered in another worker, where requests are logged. */
export function logRecord(record: AccessRecord): void {
  writer?.(record);
}

/** Whether anybody reads what `logAccess` writes. */
export function isAccessLogged(): boolean {
  return writer !== null;
}

/**
 * Writes the one line of a request, after the last byte of the answer, where requests are logged.
 *
 * @param bytes Bytes of the body that were handed to the client's connection.
 * @param brokenBy Why that was not all of it; null when it was.
 * @param now Milliseconds of the clock that `startedAt` was read from.
 */
export function logAccess(
  facts: AccessFacts,
  status: number,
  bytes: number,
  brokenBy: string | null,
  now: number,
): void {
  if (writer === null) return;
  const { method, path, client, cache, upstream } = facts;
  const complete = brokenBy === null;
  const reason = complete ? facts.reason : `broken off: ${brokenBy}`;
  const ms = Math.round((now - facts.startedAt) * 10) / 10;
  writer({ method, path, status, bytes, ms, cache, upstream, reason, client, complete });
}
