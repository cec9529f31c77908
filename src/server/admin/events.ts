import type { Activity } from "../../fill/activity.ts";
import type { FillEvent } from "../../fill/fill_event.ts";
import { pause } from "./event_pause.ts";
import type { ServerEvent } from "./event_stream.ts";
import { shownDownload, shownFill, shownProblem, shownRace } from "./status_view.ts";

/** Events that wait for a client which takes none; of more the oldest is forgotten. */
const MAX_WAITING = 500;

/** How often downloads are looked at, in milliseconds. */
const LOOK_EVERY_MS = 250;

/**
 * What happens from now on: `race`, `fill` and `problem` as they happen, `downloads` at once and
 * then, four times a second at most, when they have changed.
 *
 * @param signal Ends it within a look.
 */
export async function* liveEvents(
  activity: Activity,
  signal: AbortSignal,
): AsyncGenerator<ServerEvent, void> {
  const waiting: ServerEvent[] = [];
  const unsubscribe = activity.subscribe((event) => {
    const shown = shownEvent(event);
    if (shown === null) return;
    waiting.push(shown);
    if (waiting.length > MAX_WAITING) waiting.shift();
  });
  let told: string | null = null;
  try {
    while (!signal.aborted) {
      yield* waiting.splice(0);
      const data = activity.downloads().map(shownDownload);
      const text = JSON.stringify(data);
      if (text !== told) yield { name: "downloads", data };
      told = text;
      await pause(LOOK_EVERY_MS, signal);
    }
  } finally {
    unsubscribe();
  }
}

function shownEvent(event: FillEvent): ServerEvent | null {
  switch (event.kind) {
    case "race-ended":
      return { name: "race", data: shownRace(event) };
    case "fill-ended":
      return event.purpose === "fill" ? { name: "fill", data: shownFill(event) } : null;
    case "problem":
      return { name: "problem", data: shownProblem(event.problem) };
    default:
      return null;
  }
}
