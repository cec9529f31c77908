import { errorAnswer, STRICT_HEADERS } from "./admin_answer.ts";
import { recordCpuProfile } from "./cpu_profile.ts";
import { takeHeapSnapshot } from "./heap_snapshot.ts";
import { wholeNumber } from "./query.ts";
import type { Route } from "./route.ts";

const DEFAULT_SECONDS = 10;
const MAX_SECONDS = 60;

const OFF = "admin.debug is false.";
const BUSY = "A profile is being made.";

/** The runtime has one profiler: whoever comes second gets 409. A snapshot would spoil a profile. */
let isBusy = false;

/** What shows the inside of the process; it may hold anything that is in memory. */
export const DEBUG_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/debug/cpu-profile",
    isOpen: false,
    summary: "Where the time of the processor goes: a .cpuprofile for the tools of Chromium",
    parameters: [{
      name: "seconds",
      required: false,
      description: "How long to look.",
      schema: { type: "integer", minimum: 1, maximum: MAX_SECONDS, default: DEFAULT_SECONDS },
    }],
    responses: {
      200: "The profile.",
      400: "`seconds` is no whole number within its bounds.",
      404: OFF,
      409: BUSY,
      501: "The program was started without the permission to look at itself.",
    },
    contentType: "application/json",
    async handle({ query, signal }, { isDebug }) {
      if (!isDebug()) return offAnswer();
      const text = new URLSearchParams(query).get("seconds") ?? String(DEFAULT_SECONDS);
      const seconds = wholeNumber(text, 1, MAX_SECONDS);
      if (seconds === null) {
        return errorAnswer(400, `seconds is a whole number from 1 to ${MAX_SECONDS}`);
      }
      if (isBusy) return busyAnswer();
      isBusy = true;
      try {
        return download("cpuprofile", await recordCpuProfile(seconds, signal));
      } catch (error) {
        if (!(error instanceof Deno.errors.NotCapable)) throw error;
        return errorAnswer(501, "Cannot profile: the program was started without --allow-sys");
      } finally {
        isBusy = false;
      }
    },
  },
  {
    method: "GET",
    path: "/debug/heap-snapshot",
    isOpen: false,
    summary: "What is in memory: a .heapsnapshot for the tools of Chromium. Everything else waits",
    parameters: [],
    responses: { 200: "The snapshot.", 404: OFF, 409: BUSY },
    contentType: "application/json",
    async handle(_, { isDebug }) {
      if (!isDebug()) return offAnswer();
      if (isBusy) return busyAnswer();
      return download("heapsnapshot", await takeHeapSnapshot());
    },
  },
];

function offAnswer(): Response {
  return errorAnswer(404, "Profiles and snapshots are off; admin.debug turns them on");
}

function busyAnswer(): Response {
  return errorAnswer(409, BUSY.slice(0, -1));
}

function download(extension: string, body: BodyInit): Response {
  const name = `cache-proxy-${Deno.pid}.${extension}`;
  const headers = {
    ...STRICT_HEADERS,
    "content-type": "application/json",
    "content-disposition": `attachment; filename="${name}"`,
  };
  return new Response(body, { status: 200, headers });
}
