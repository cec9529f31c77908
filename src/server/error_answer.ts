import { describeFailure } from "../decide/failure.ts";
import type { AttemptFailure } from "../types.ts";
import { PSEUDONYM } from "./common_headers.ts";
import type { Answer } from "./representation.ts";

/** How long a client should wait when too many fills are under way, in seconds. */
const RETRY_AFTER_S = 5;

/** A short plain text that says what is wrong; never a stack trace, never a credential. */
export function errorAnswer(
  status: number,
  text: string,
  extra: Readonly<Record<string, string>> = {},
): Answer {
  const body = new TextEncoder().encode(`${status} ${text}\n`);
  const headers = new Headers({
    "content-type": "text/plain; charset=utf-8",
    "content-length": String(body.byteLength),
    // An error of ours must not outlive its cause in a cache between us and the client.
    "cache-control": "no-store",
    via: `1.1 ${PSEUDONYM}`,
    ...extra,
  });
  return { status, headers, body };
}

/** No upstream delivered: one line for each. */
export function upstreamErrorAnswer(status: number, failures: readonly AttemptFailure[]): Answer {
  if (failures.length === 0) {
    return errorAnswer(404, "No configured upstream serves this path");
  }
  const lines = failures.map(({ upstream, reason }) => `  ${upstream}: ${describeFailure(reason)}`);
  const text = status === 404 || status === 410
    ? "No upstream has this file"
    : "No upstream delivered this file";
  const extra = { "cache-status": `${PSEUDONYM}; fwd=uri-miss`, "x-cache": "MISS" };
  return errorAnswer(status, [text, ...lines].join("\n"), extra);
}

/** Too much is under way, or we are going down: worth another try soon. */
export function busyAnswer(reason: string): Answer {
  const text = reason === "shutting-down"
    ? "The proxy is shutting down"
    : "Too many downloads are under way (fetch.max-fills); try again soon";
  return errorAnswer(503, text, { "retry-after": String(RETRY_AFTER_S) });
}
