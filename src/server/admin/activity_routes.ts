import { errorAnswer, jsonAnswer } from "./admin_answer.ts";
import { eventStream, type ServerEvent } from "./event_stream.ts";
import { liveEvents } from "./events.ts";
import { prefetch } from "./prefetch.ts";
import type { AdminParts, Route } from "./route.ts";
import { statusOf } from "./status.ts";

/** Of one request. */
const MAX_PATHS = 10_000;
const MAX_BODY_BYTES = 1024 * 1024;

/** What is under way, and what just happened. */
export const ACTIVITY_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/status",
    isOpen: false,
    summary: "How everything is: requests, cache, downloads under way, upstreams, last problems",
    parameters: [],
    responses: { 200: "All of it, as it is now." },
    contentType: "application/json",
    async handle(_, { status, recentProblems }) {
      return jsonAnswer(200, statusOf(status, await recentProblems()));
    },
  },
  {
    method: "GET",
    path: "/events",
    isOpen: false,
    summary: "What happens from now on, as server-sent events",
    parameters: [],
    responses: {
      200: "`downloads` when they change, `race` and `fill` when one ends, `problem`.",
      503: "Too many are listening.",
    },
    contentType: "text/event-stream",
    handle({ signal }, parts) {
      return liveAnswer(parts, liveEvents(parts.status.activity, signal));
    },
  },
  {
    method: "POST",
    path: "/prefetch",
    isOpen: false,
    summary: "Fetches paths into the cache, a few at a time, as if clients had asked for them",
    parameters: [],
    body: {
      type: "object",
      required: ["paths"],
      properties: {
        paths: {
          type: "array",
          maxItems: MAX_PATHS,
          items: { type: "string", pattern: "^/" },
        },
      },
    },
    responses: {
      200: "`progress` of each path, as server-sent events; `done` with the numbers at the end. " +
        "Who leaves ends what has not begun.",
      400: "The body is no such list.",
      503: "Too many are listening.",
    },
    contentType: "text/event-stream",
    async handle(request, parts) {
      const paths = pathsOf(await request.json(MAX_BODY_BYTES));
      if (paths === null) {
        const what = `{"paths": ["/…"]} with at most ${MAX_PATHS} paths in at most 1 MiB`;
        return errorAnswer(400, `The body is to be JSON: ${what}`);
      }
      return liveAnswer(parts, prefetch(parts.cache, paths, request.signal));
    },
  },
];

function pathsOf(body: unknown): readonly string[] | null {
  const paths: unknown = typeof body === "object" && body !== null && "paths" in body
    ? body.paths
    : null;
  if (!Array.isArray(paths) || paths.length > MAX_PATHS) return null;
  return paths.every((it): it is string => typeof it === "string") ? paths : null;
}

function liveAnswer(
  { eventSlots }: AdminParts,
  events: AsyncGenerator<ServerEvent, void>,
): Response {
  const slot = eventSlots.take();
  if (slot === null) return errorAnswer(503, "Too many are listening; try again later");
  return eventStream(holding(slot, events));
}

/** The stream asks for the first event at once, so that the slot is always given back. */
async function* holding(
  slot: Disposable,
  events: AsyncGenerator<ServerEvent, void>,
): AsyncGenerator<ServerEvent, void> {
  using _ = slot;
  yield* events;
}
