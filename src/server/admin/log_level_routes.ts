import { getLogger } from "@logtape/logtape";
import { errorAnswer, jsonAnswer } from "./admin_answer.ts";
import { type Level, LOG_LEVELS } from "./log_level_switch.ts";
import type { Route } from "./route.ts";

/** What the body of a PUT may have at most. */
const MAX_BODY_BYTES = 1024;

const log = getLogger(["cache-proxy", "admin"]);

/** What tells and changes how much is logged. */
export const LOG_LEVEL_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/log-level",
    isOpen: false,
    summary: "The least important events that are logged",
    parameters: [],
    responses: { 200: "`level` is in force." },
    contentType: "application/json",
    handle: (_, { logLevel }) => jsonAnswer(200, { level: logLevel.level }),
  },
  {
    method: "PUT",
    path: "/log-level",
    isOpen: false,
    summary: "Changes what is logged, until the config is applied again or the program ends",
    parameters: [],
    body: {
      type: "object",
      properties: { level: { type: "string", enum: LOG_LEVELS } },
      required: ["level"],
      additionalProperties: false,
    },
    responses: { 200: "`level` is in force.", 400: "The body names no level." },
    contentType: "application/json",
    async handle(request, { logLevel }) {
      const level = levelIn(await request.json(MAX_BODY_BYTES));
      if (level === null) {
        return errorAnswer(400, `A body {"level": L} is needed, L one of ${LOG_LEVELS.join(", ")}`);
      }
      logLevel.setLevel(level);
      // A warning, since it is not what the config says.
      log.warn("Log level is {logLevel} until the config is applied again", { logLevel: level });
      return jsonAnswer(200, { level });
    },
  },
];

function levelIn(body: unknown): Level | null {
  if (typeof body !== "object" || body === null || Object.keys(body).join() !== "level") {
    return null;
  }
  const { level } = body as Record<"level", unknown>;
  return LOG_LEVELS.find((it) => it === level) ?? null;
}
