import type { Browser } from "playwright-core";

/** Where distributions put Chromium; `CHROMIUM` in the environment comes first. */
const USUAL_PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/snap/bin/chromium",
];

/** It is to show pages, and to talk to nobody else. */
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
  // Letters in shades of grey are the same everywhere, and small in a picture.
  "--disable-lcd-text",
];

const LAUNCH_TIMEOUT_MS = 20_000;

/** The executable of Chromium; null: this machine has none. */
export function findChromium(): string | null {
  const named = Deno.env.get("CHROMIUM");
  const places = named === undefined ? USUAL_PLACES : [named];
  return places.find(isFile) ?? null;
}

/** Starts a browser with a new and empty profile, which goes with it. */
export async function launchChromium(executablePath: string): Promise<Browser> {
  // Playwright looks for Windows in /proc/sys when it is loaded, which takes all permissions; this
  // variable of its own tests puts that off.
  Deno.env.set("__IS_WSL_TEST__", "1");
  const { chromium } = await import("playwright-core");
  return await chromium.launch({ executablePath, args: FLAGS, timeout: LAUNCH_TIMEOUT_MS });
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
