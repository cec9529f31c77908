import type { LogRecord } from "@logtape/logtape";
import type { AccessRecord } from "../server/access_log.ts";

const CATEGORY = ["cache-proxy", "access"];
const TEMPLATE = "{method} {path} {status} {bytes}B {ms}ms {cache} {upstream} {reason}";

/** The record of a request in the log of events' shape, to be formatted as those are. */
export function requestLine(request: AccessRecord, timestamp: number): LogRecord {
  const { method, path, status, bytes, ms, cache, upstream, reason } = request;
  const text = `${method} ${path} ${status} ${bytes}B ${ms}ms ` +
    `${cache ?? "-"} ${upstream ?? "-"} ${reason ?? "-"}`;
  return {
    category: CATEGORY,
    level: "info",
    message: [text],
    rawMessage: TEMPLATE,
    timestamp,
    properties: { ...request },
  };
}
