import { assert, assertEquals, assertMatch } from "@std/assert";
import { findChromium } from "../support/browser.ts";
import { fileAnswer, statusAnswer } from "../support/answers.ts";
import { GatedBody } from "../support/gated_body.ts";
import { Origin } from "../support/origin.ts";
import { TestProxy } from "../support/test_proxy.ts";
import { DashboardPage } from "./dashboard_page.ts";

const CHROMIUM = findChromium();
const PIECES = 5;
const PIECE_BYTES = 200_000;
const LAST_MODIFIED = Date.UTC(2026, 0, 1);

if (CHROMIUM === null) {
  const why = "tests/dashboard: no Chromium here (CHROMIUM names one), the page is not tested\n";
  Deno.stderr.writeSync(new TextEncoder().encode(why));
}

/** A test that takes a browser. Its processes are watched over by playwright. */
function browserTest(name: string, run: (chromium: string) => Promise<void>): void {
  const fn = async (): Promise<void> => {
    if (CHROMIUM !== null) await run(CHROMIUM);
  };
  Deno.test({ name, ignore: CHROMIUM === null, sanitizeOps: false, sanitizeResources: false, fn });
}

/** A mirror with small files, and one whose body comes by pieces as the test lets them through. */
function gatedMirror(): { origin: Origin; body: GatedBody } {
  const pieces = Array.from({ length: PIECES }, () => new Uint8Array(PIECE_BYTES));
  const body = new GatedBody(pieces);
  const small = fileAnswer("hello", { lastModified: LAST_MODIFIED });
  const origin = new Origin((seen, raw) => {
    if (seen.target.startsWith("/none")) return new Response("no", { status: 404 });
    if (seen.target !== "/big/file.bin") return small(seen, raw);
    const headers = { "content-length": String(PIECES * PIECE_BYTES) };
    return new Response(body.stream, { headers });
  });
  return { origin, body };
}

/** The sum of a metric's series whose labels have this in them. */
async function metric(proxy: TestProxy, name: string, label = ""): Promise<number> {
  const text = await (await fetch(`${proxy.adminUrl}/metrics`)).text();
  const lines = text.split("\n").filter((line) =>
    (line.startsWith(`${name}{`) || line.startsWith(`${name} `)) && line.includes(label)
  );
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
}

browserTest(
  "a download is seen as it goes on, and the figures are those of /metrics",
  async (chromium) => {
    const { origin, body } = gatedMirror();
    await using _ = origin;
    await using broken = new Origin(statusAnswer(503));
    const upstreams = [
      { name: "good", server: origin.url },
      { name: "broken", server: broken.url },
    ];
    await using proxy = await TestProxy.start({ upstreams });
    await using dashboard = await DashboardPage.open(chromium, proxy.adminUrl);
    const { page } = dashboard;
    await dashboard.shows("#downloads-empty", "Nothing is being downloaded");
    await dashboard.shows("#problems-empty", "No errors");
    await dashboard.shows("#catalog-empty", "Nothing is cached yet");

    const download = proxy.get("/big/file.bin");
    // What fails first is to be told, not that this breaks off then.
    download.catch(() => {});
    const bar = page.locator(".download [role=progressbar]");
    for (let piece = 1; piece < PIECES; piece++) {
      await page.locator(`.download [aria-valuenow="${piece * 100 / PIECES}"]`).waitFor();
      assertMatch(
        await dashboard.text(".download .share"),
        new RegExp(`^${piece * 100 / PIECES}\\.0\\s%`),
      );
      body.release();
    }
    assertEquals(await bar.getAttribute("aria-label"), "Download of /big/file.bin");
    assertMatch(await dashboard.text(".contestants"), /good/);
    assertEquals((await download).text.length, PIECES * PIECE_BYTES);
    await dashboard.hides(".download");
    await dashboard.shows("#catalog", "big/");

    for (let hit = 0; hit < 3; hit++) await proxy.get("/big/file.bin");
    await proxy.settled();
    const requests = await metric(proxy, "cache_proxy_requests_total");
    assertEquals(requests, 4);
    await dashboard.shows("#rate-more", `${requests} requests since the start`);
    const hits = await metric(proxy, "cache_proxy_requests_total", `result="HIT"`);
    await dashboard.shows("#hits", `${(100 * hits / requests).toFixed(1)} %`);
    const stored = await metric(proxy, "cache_proxy_cache_size_bytes");
    await dashboard.shows("#fill", `${Math.round(stored / 1024)} KiB`);
    const sent = await metric(proxy, "cache_proxy_sent_bytes_total");
    const received = await metric(proxy, "cache_proxy_upstream_received_bytes_total");
    assertEquals([sent, received], [4_000_000, 1_000_000]);
    await dashboard.shows("#saved", `${((sent - received) / 2 ** 20).toFixed(2)} MiB`);
    const asked = await metric(proxy, "cache_proxy_upstream_requests_total", `upstream="good"`);
    await dashboard.shows(`#mirrors tr[data-key="good"] .wins`, `1 of ${asked}`);
    await dashboard.shows(`#mirrors tr[data-key="broken"] .reason`, "answered 503");

    assertEquals(dashboard.complaints, []);
    assertEquals([...dashboard.origins], [proxy.adminUrl]);
  },
);

browserTest("purge, refresh and prefetch work from the page, by keyboard", async (chromium) => {
  const { origin } = gatedMirror();
  await using _ = origin;
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  for (const path of ["/a/one.txt", "/a/two.txt", "/a/b/three.txt"]) {
    await proxy.get(path);
    await proxy.stored(path);
  }
  await using dashboard = await DashboardPage.open(chromium, proxy.adminUrl);
  const { page } = dashboard;
  await page.getByRole("link", { name: "a/", exact: true }).press("Enter");
  await dashboard.shows("#crumbs", "a");
  await dashboard.shows("#catalog", "one.txt");

  await page.getByRole("button", { name: "Refresh /a/one.txt" }).press("Enter");
  await dashboard.shows(".toast", "/a/one.txt is still good");
  assertEquals(origin.count("GET", "/a/one.txt"), 2, "the mirror was asked again");

  const purge = page.getByRole("button", { name: "Purge /a/one.txt" });
  await purge.press("Enter");
  await dashboard.shows("#confirm-text", "/a/one.txt goes out of the cache");
  assertEquals(await dashboard.focused(), "confirm-no", "the harmless answer comes first");
  await page.keyboard.press("Escape");
  await dashboard.hides("#confirm");
  assert(proxy.storedKeys().includes("/a/one.txt"), "it was not confirmed");
  await purge.press("Enter");
  await page.keyboard.press("Tab");
  assertEquals(await dashboard.focused(), "confirm-yes");
  await page.keyboard.press("Enter");
  await dashboard.shows(".toast", "Purged /a/one.txt");
  assertEquals(proxy.storedKeys(), ["/a/b/three.txt", "/a/two.txt"]);
  await page.getByRole("button", { name: "Purge folder /a/b/" }).press("Enter");
  await page.locator("#confirm-yes").press("Enter");
  await dashboard.shows(".toast", "Purged 1 file below /a/b/");
  assertEquals(proxy.storedKeys(), ["/a/two.txt"]);

  await page.locator("#prefetch-paths").fill(
    "/a/four.txt\n\n/a/two.txt\n/none/at-all\n/a/four.txt",
  );
  await page.locator("#prefetch-start").press("Enter");
  await dashboard.shows("#prefetch-summary", "1 stored, 1 there already, 1 failed");
  await dashboard.shows("#fetches li[data-state=bad]", "/none/at-all");
  await dashboard.shows("#catalog", "four.txt");
  assertEquals(proxy.storedKeys(), ["/a/four.txt", "/a/two.txt"]);
  assertEquals(dashboard.complaints, []);
  assertEquals([...dashboard.origins], [proxy.adminUrl]);
});

browserTest(
  "every control can be reached by Tab, and the page works at 320 pixels",
  async (chromium) => {
    const { origin } = gatedMirror();
    await using _ = origin;
    await using proxy = await TestProxy.start({ upstreams: [origin.url] });
    await proxy.get("/a.txt");
    await proxy.stored("/a.txt");
    const viewport = { width: 320, height: 700 };
    await using dashboard = await DashboardPage.open(chromium, proxy.adminUrl, { viewport });
    const { page } = dashboard;
    await dashboard.shows("#catalog", "a.txt");
    await page.locator("#plots canvas").nth(2).waitFor();
    const reached = new Set<string>();
    for (let tab = 0; tab < 40; tab++) {
      await page.keyboard.press("Tab");
      const name = await dashboard.focused();
      if (tab === 0) assertEquals(name, "Skip to the content");
      if (name === "Skip to the content" && tab > 0) break;
      reached.add(name);
    }
    for (
      const name of [
        "catalog-reload",
        "Refresh",
        "Purge",
        "prefetch-paths",
        "prefetch-start",
        "Metrics",
      ]
    ) {
      assert(reached.has(name), `${name} among ${[...reached]}`);
    }
    assertEquals(await dashboard.tooWideBy(), 0, "nothing to scroll sideways");
    assertEquals(dashboard.complaints, []);
  },
);

browserTest("colours are the system's until others are chosen, which stay", async (chromium) => {
  await using origin = new Origin(statusAnswer(404));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  const options = { colorScheme: "dark" } as const;
  await using dashboard = await DashboardPage.open(chromium, proxy.adminUrl, options);
  const { page } = dashboard;
  const dark = await dashboard.background();
  await page.locator("#theme input[value=light]").press("Space");
  const light = await dashboard.background();
  assertEquals([dark, light], ["rgb(12, 16, 19)", "rgb(244, 246, 248)"]);
  await page.reload();
  assertEquals(await dashboard.background(), light);
  await page.locator("#theme input[value=auto]").press("Space");
  assertEquals(await dashboard.background(), dark);
  assertEquals(dashboard.complaints, []);
});

browserTest(
  "a browser opens it with the token as its password, and paths stay text",
  async (chromium) => {
    await using origin = new Origin(fileAnswer("hello", { lastModified: LAST_MODIFIED }));
    const token = "a-long.enough_token";
    const config = { admin: { port: 0, token } };
    await using proxy = await TestProxy.start({ upstreams: [origin.url], config });
    const hostile = "/x/%3Cimg%20src=x%20onerror=document.title=1%3E";
    await proxy.get(hostile);
    await proxy.settled();
    const httpCredentials = { username: "operator", password: token };
    await using dashboard = await DashboardPage.open(chromium, proxy.adminUrl, { httpCredentials });
    const { page } = dashboard;
    await dashboard.shows("#health-text", "All is well");
    await page.getByRole("link", { name: "x/", exact: true }).click();
    await dashboard.shows("#catalog", "<img src=x onerror=document.title=1>");
    assertEquals(await page.locator("#catalog img").count(), 0);
    await page.locator("#catalog").getByRole("button", { name: "Purge" }).click();
    await page.locator("#confirm-yes").click();
    await dashboard.shows(".toast", "Purged /x/");
    assertEquals(proxy.storedKeys(), []);
    assertEquals(dashboard.complaints.filter((it) => !it.includes("401")), []);
  },
);

browserTest(
  "without events it asks again and again, and says when nobody answers",
  async (chromium) => {
    const { origin, body } = gatedMirror();
    await using _ = origin;
    await using stack = new AsyncDisposableStack();
    const proxy = stack.use(await TestProxy.start({ upstreams: [origin.url] }));
    await using dashboard = await DashboardPage.open(chromium, proxy.adminUrl);
    const { page } = dashboard;
    await page.route("**/events", (route) => route.abort());
    await page.reload();
    const download = proxy.get("/big/file.bin");
    download.catch(() => {});
    await dashboard.shows("#downloads-live", "every 2 s");
    await page.locator(".download [aria-valuenow]").waitFor();
    for (let piece = 1; piece < PIECES; piece++) body.release();
    await download;
    await dashboard.hides(".download");

    await page.locator("#range input[value=month]").press("Space");
    const plot = page.getByRole("img", { name: /^Traffic, over the last month, now: to clients/ });
    await plot.waitFor();
    await plot.press("ArrowLeft");
    await page.getByRole("img", { name: /^Traffic, \d+ \w+ \d\d:\d\d: to clients/ }).waitFor();

    assertEquals(dashboard.complaints.filter((it) => !it.includes("ERR_FAILED")), []);
    await stack.disposeAsync();
    await dashboard.shows("#health-text", "No connection");
    await dashboard.shows("#banner", "The proxy does not answer");
  },
);
