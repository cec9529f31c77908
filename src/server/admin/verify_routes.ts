import { errorAnswer } from "./admin_answer.ts";
import { eventStream, type ServerEvent } from "./event_stream.ts";
import { prefixOf } from "./query.ts";
import type { AdminParts, Route } from "./route.ts";
import { verifyEvents } from "./verify_events.ts";

/** One at a time: two would read the disk twice, and one would find what the other has repaired. */
const busy = new WeakSet<AdminParts["storage"]>();

/** What compares the files with the index. */
export const VERIFY_ROUTES: readonly Route[] = [
  {
    method: "POST",
    path: "/verify",
    isOpen: false,
    summary: "Reads every cached file and compares it with the index",
    parameters: [
      {
        name: "prefix",
        required: false,
        description: "Only what is below it.",
        schema: { type: "string", pattern: "^/", default: "/" },
      },
      {
        name: "repair",
        required: false,
        description: "Whether what is wrong is thrown out: 1 or 0.",
        schema: { type: "string", enum: ["0", "1"], default: "0" },
      },
    ],
    responses: {
      200: "`progress`, `wrong` for each file that is, `done` with the numbers at the end, as " +
        "server-sent events. Who leaves ends it.",
      400: "A parameter is wrong; the answer says which.",
      409: "The cache is being verified.",
      503: "Too many are listening.",
    },
    contentType: "text/event-stream",
    handle({ query, signal }, { storage, digestsOf, eventSlots }) {
      const parameters = new URLSearchParams(query);
      const prefix = prefixOf(parameters.get("prefix") ?? "/");
      if (prefix === null) return errorAnswer(400, "prefix begins with a slash");
      const repair = parameters.get("repair") ?? "0";
      if (!/^[01]$/.test(repair)) return errorAnswer(400, "repair is 1 or 0");
      if (busy.has(storage)) return errorAnswer(409, "The cache is being verified already");
      const slot = eventSlots.take();
      if (slot === null) return errorAnswer(503, "Too many are listening; try again later");
      busy.add(storage);
      const total = prefix === "/" ? storage.usage().entries : null;
      const options = { prefix, repair: repair === "1", signal, digestsOf };
      return eventStream(holding(slot, storage, verifyEvents(storage, options, total)));
    },
  },
];

async function* holding(
  slot: Disposable,
  storage: AdminParts["storage"],
  events: AsyncGenerator<ServerEvent, void>,
): AsyncGenerator<ServerEvent, void> {
  try {
    yield* events;
  } finally {
    busy.delete(storage);
    slot[Symbol.dispose]();
  }
}
