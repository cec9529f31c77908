// What is given to `evaluate` runs in the page.
/// <reference lib="dom" />

import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { launchChromium } from "../support/browser.ts";

/** No step of a test takes as long where all is well, in milliseconds. */
const STEP_TIMEOUT_MS = 15_000;

/** The dashboard in a browser, and what goes wrong there. */
export class DashboardPage implements AsyncDisposable {
  /** Errors of scripts, refusals of the content security policy, and what else the console tells. */
  readonly complaints: string[] = [];
  /** Origins that were asked for something. */
  readonly origins = new Set<string>();
  readonly page: Page;
  readonly #browser: Browser;

  private constructor(browser: Browser, page: Page) {
    this.#browser = browser;
    this.page = page;
    page.setDefaultTimeout(STEP_TIMEOUT_MS);
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.complaints.push(message.text());
    });
    page.on("pageerror", (error) => this.complaints.push(String(error)));
    page.on("request", (request) => this.origins.add(new URL(request.url()).origin));
  }

  static async open(
    chromium: string,
    url: string,
    options: BrowserContextOptions = {},
  ): Promise<DashboardPage> {
    const browser = await launchChromium(chromium);
    try {
      const opened = new DashboardPage(browser, await browser.newPage(options));
      await opened.page.goto(`${url}/`);
      return opened;
    } catch (error) {
      await browser.close();
      throw error;
    }
  }

  /** The text of an element, without what is around it. */
  async text(selector: string): Promise<string> {
    return (await this.page.locator(selector).innerText()).trim();
  }

  /** Resolves when an element has a text; fails when it does not get it. */
  async shows(selector: string, text: string | RegExp): Promise<void> {
    await this.page.locator(selector, { hasText: text }).first().waitFor();
  }

  /** Resolves when an element is not there or not to be seen; fails when it stays. */
  async hides(selector: string): Promise<void> {
    await this.page.locator(selector).first().waitFor({ state: "hidden" });
  }

  /** What the element that has the focus is called; empty when none has it. */
  focused(): Promise<string> {
    return this.page.evaluate(() => {
      const { id, textContent } = document.activeElement ?? { id: "", textContent: "" };
      return (id || textContent || "").trim();
    });
  }

  /** How much of the page is to be scrolled sideways, in pixels. */
  tooWideBy(): Promise<number> {
    return this.page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.documentElement;
      return scrollWidth - clientWidth;
    });
  }

  /** The colour behind everything. */
  background(): Promise<string> {
    return this.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
  }
}
