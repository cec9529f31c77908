import { getLogger } from "@logtape/logtape";
import type { AccessFacts } from "./exchange.ts";

const log = getLogger(["cache-proxy", "access"]);

/**
 * Writes the one line of a request, after the last byte of the answer.
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
  const { method, path, client, cache, upstream } = facts;
  const complete = brokenBy === null;
  const reason = complete ? facts.reason : `broken off: ${brokenBy}`;
  const ms = Math.round((now - facts.startedAt) * 10) / 10;
  const fields = { method, path, status, bytes, ms, cache, upstream, reason, client, complete };
  log.info("{method} {path} {status} {bytes}B {ms}ms {cache} {upstream} {reason}", fields);
}
