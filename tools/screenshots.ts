/**
 * Takes the pictures of the dashboard in docs/screenshots/: a proxy with four mirrors on this machine,
 * some downloads under way, and a made-up month behind it, looked at in headless Chromium.
 *
 * Usage: screenshots.ts [FOLDER], default docs/screenshots. `CHROMIUM` in the environment names the
 * browser; without it the usual places are looked at.
 *
 * @module
 */

import { join } from "@std/path";
import type { Browser } from "playwright-core";
import { findChromium, launchChromium } from "../tests/support/browser.ts";
import { Scene } from "./screenshots/scene.ts";

/** A page as it is looked at. */
interface Look {
  readonly name: string;
  readonly colorScheme: "light" | "dark";
  readonly width: number;
  readonly height: number;
}

const LOOKS: readonly Look[] = [
  { name: "light", colorScheme: "light", width: 1280, height: 1290 },
  { name: "dark", colorScheme: "dark", width: 1280, height: 1290 },
  { name: "phone", colorScheme: "light", width: 390, height: 1700 },
];

if (import.meta.main) Deno.exitCode = await main(Deno.args[0] ?? "docs/screenshots");

async function main(folder: string): Promise<number> {
  const chromium = findChromium();
  if (chromium === null) {
    write("Cannot take pictures: there is no Chromium here; CHROMIUM names one\n");
    return 1;
  }
  await Deno.mkdir(folder, { recursive: true });
  const browser = await launchChromium(chromium);
  try {
    await takeAll(browser, folder);
  } finally {
    await browser.close();
  }
  return 0;
}

async function takeAll(browser: Browser, folder: string): Promise<void> {
  const dataDir = await Deno.makeTempDir();
  try {
    await using scene = await Scene.start(dataDir);
    await scene.play();
    for (const look of LOOKS) {
      const path = join(folder, `${look.name}.png`);
      await take(browser, scene.url, look, path);
      write(`${path}: ${Math.round((await Deno.stat(path)).size / 1024)} KiB\n`);
    }
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
}

async function take(browser: Browser, url: string, look: Look, path: string): Promise<void> {
  const { colorScheme, width, height } = look;
  const page = await browser.newPage({ colorScheme, viewport: { width, height } });
  await page.goto(`${url}/`);
  await page.locator(".download .who").first().waitFor();
  await page.locator("#plots canvas").nth(2).waitFor();
  await page.locator("#catalog tr").first().waitFor();
  // The rate of requests takes two looks.
  await page.locator("#rate", { hasText: /\d/ }).waitFor();
  await page.screenshot({ path });
  await page.close();
}

function write(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(text));
}
