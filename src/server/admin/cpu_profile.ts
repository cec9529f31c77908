import { pause } from "./event_pause.ts";

/**
 * What the processor does for so many seconds, as the `.cpuprofile` JSON that the tools of Chromium
 * and of editors read. It ends early when the signal is aborted.
 *
 * @throws {Deno.errors.NotCapable} Where the program may not look at itself (`--allow-sys`).
 */
export async function recordCpuProfile(seconds: number, signal: AbortSignal): Promise<string> {
  // It takes time to load, and hardly anybody needs it.
  const { Session } = await import("node:inspector/promises");
  const session = new Session();
  session.connect();
  try {
    await session.post("Profiler.enable");
    await session.post("Profiler.start");
    await pause(seconds * 1000, signal);
    const { profile } = await session.post("Profiler.stop");
    return JSON.stringify(profile);
  } finally {
    session.disconnect();
  }
}
