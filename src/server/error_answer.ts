import { describeFailure } from "../decide/failure.ts";
import type { AttemptFailure } from "../types.ts";
import { PSEUDONYM } from "./common_headers.ts";
import type { Answer } from "./representation.ts";

/** How long a client should wait when too many fills are under way, in seconds. */
const RETRY_AFTER_S = 5;

const TOO_MANY = "Too many downloads are under way (fetch.max-fills); try again soon";

const BUSY: ReadonlyMap<string, string> = new Map([
  ["shutting-down", "The proxy is shutting down"],
  ["set-changed", "The file that lists this one has changed since you read it; read it again"],
]);

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

/**
 * No upstream delivered: one line for each.
 *
 * @param rememberedForMs How long nobody will be asked again; null when they were asked now.
 */
export function upstreamErrorAnswer(
  status: number,
  failures: readonly AttemptFailure[],
  rememberedForMs: number | null,
): Answer {
  if (failures.length === 0) {
    return errorAnswer(404, "No configured upstream serves this path");
  }
  const lines = failures.map(({ upstream, reason }) => `  ${upstream}: ${describeFailure(reason)}`);
  const text = status === 404 || status === 410
    ? "No upstream has this file"
    : "No upstream delivered this file";
  const extra = rememberedForMs === null
    ? { "cache-status": `${PSEUDONYM}; fwd=uri-miss`, "x-cache": "MISS" }
    : {
      "cache-status": `${PSEUDONYM}; hit; ttl=${Math.ceil(rememberedForMs / 1000)}`,
      "x-cache": "HIT",
    };
  return errorAnswer(status, [text, ...lines].join("\n"), extra);
}

/** Nothing is stored, and nobody may be asked: RFC 9111 section 5.2.1.7 gives the status. */
export function unavailableAnswer(reason: "offline" | "only-if-cached"): Answer {
  const why = reason === "offline" ? "the proxy is offline" : "the request says only-if-cached";
  return errorAnswer(504, `No copy of this file is stored that may be served, and ${why}`, {
    "x-cache": "MISS",
    "cache-status": `${PSEUDONYM}; detail=${reason}`,
  });
}

/** Too much is under way, we are going down, or the set has moved on: worth another try soon. */
export function busyAnswer(reason: string): Answer {
  return errorAnswer(503, BUSY.get(reason) ?? TOO_MANY, { "retry-after": String(RETRY_AFTER_S) });
}
