import { errorAnswer, jsonAnswer } from "./admin_answer.ts";
import { HISTORY_RANGES } from "./history.ts";
import type { Route } from "./route.ts";

/** What tells how it was. */
export const HISTORY_ROUTES: readonly Route[] = [{
  method: "GET",
  path: "/history",
  isOpen: false,
  summary: "Requests, bytes and the size of the cache over the last hour, day or month",
  parameters: [{
    name: "range",
    required: false,
    description: "How far back: an hour in steps of 10 s, a day of 5 min, 31 days of 2 h.",
    schema: { type: "string", enum: HISTORY_RANGES, default: "hour" },
  }],
  responses: {
    200: "Columns of equal length, the oldest step first; null where the proxy was not running.",
    400: "There is no such range.",
  },
  contentType: "application/json",
  handle({ query }, { history }) {
    const asked = new URLSearchParams(query).get("range") ?? "hour";
    const range = HISTORY_RANGES.find((it) => it === asked);
    if (range === undefined) {
      return errorAnswer(400, `range is one of ${HISTORY_RANGES.join(", ")}`);
    }
    return jsonAnswer(200, { range, ...history(range) });
  },
}];
