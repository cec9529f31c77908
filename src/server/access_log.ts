import { getLogger } from "@logtape/logtape";
import type { AccessFacts } from "./exchange.ts";

const log = getLogger(["cache-proxy", "access"]);

/**
 * Writes the one line of a request, after the last byte of the answer.
 *
 * @param bytes Bytes of the body that were handed to the client's connection.
 * @param complete Whether that was all of it.
 * @param now Milliseconds of the clock that `startedAt` was read from.
 */
export function logAccess(
  facts: AccessFacts,
  status: number,
  bytes: number,
  complete: boolean,
  now: number,
): void {
  const { method, path, client, cache, upstream, reason } = facts;
  const ms = Math.round((now - facts.startedAt) * 10) / 10;
  const fields = { method, path, status, bytes, ms, cache, upstream, reason, client, complete };
  log.info("{method} {path} {status} {bytes}B {ms}ms {cache} {upstream} {reason}", fields);
}
