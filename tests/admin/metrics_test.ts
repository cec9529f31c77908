import { assert, assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { Buckets } from "../../src/fill/buckets.ts";
import { fileAnswer, statusAnswer } from "../support/answers.ts";
import { bytesOf } from "../support/body.ts";
import { GatedBody } from "../support/gated_body.ts";
import { Origin } from "../support/origin.ts";
import { TestProxy } from "../support/test_proxy.ts";
import { isInstalled } from "../tools/is_installed.ts";

async function scrape(proxy: TestProxy): Promise<string> {
  const response = await fetch(`${proxy.adminUrl}/metrics`);
  assertMatch(response.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
  return await response.text();
}

/** The value of a series, by its name and labels as they are written. */
function valueOf(text: string, series: string): number | undefined {
  const line = text.split("\n").find((it) => it.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

Deno.test("metrics agree with what clients got and mirrors gave", async () => {
  await using origin = new Origin(({ target }, raw) =>
    target === "/none" ? new Response("no", { status: 404 }) : fileAnswer("hello")(
      { method: raw.method, target, headers: raw.headers },
      raw,
    )
  );
  const upstreams = [{ server: origin.url, name: "toy" }];
  await using proxy = await TestProxy.start({ upstreams });
  for (let count = 0; count < 3; count++) {
    await proxy.get("/file");
    await proxy.settled();
    await proxy.get("/none");
  }
  const text = await scrape(proxy);
  const expected: [series: string, value: number][] = [
    [`cache_proxy_requests_total{result="MISS",status="2xx"}`, 1],
    [`cache_proxy_requests_total{result="HIT",status="2xx"}`, 2],
    [`cache_proxy_requests_total{result="NONE",status="4xx"}`, 3],
    [`cache_proxy_requests_total{result="STALE",status="2xx"}`, 0],
    [`cache_proxy_sent_bytes_total{result="HIT"}`, 10],
    [`cache_proxy_sent_bytes_total{result="MISS"}`, 5],
    [`cache_proxy_broken_transfers_total{result="MISS"}`, 0],
    ["cache_proxy_negative_answers_total", 2],
    ["cache_proxy_cache_entries", 1],
    ["cache_proxy_cache_size_bytes", 4096],
    ["cache_proxy_evictions_total", 0],
    ["cache_proxy_fills_active", 0],
    ["cache_proxy_joiners_active", 0],
    ["cache_proxy_transfers_active", 0],
    [`cache_proxy_upstream_requests_total{upstream="toy"}`, 2],
    [`cache_proxy_upstream_wins_total{upstream="toy"}`, 1],
    [`cache_proxy_upstream_failures_total{upstream="toy",reason="status"}`, 1],
    [`cache_proxy_upstream_received_bytes_total{upstream="toy"}`, 5],
    [`cache_proxy_upstream_wasted_bytes_total{upstream="toy"}`, 0],
    [`cache_proxy_upstream_breaker_state{upstream="toy",state="closed"}`, 1],
    [`cache_proxy_upstream_breaker_state{upstream="toy",state="open"}`, 0],
    [`cache_proxy_upstream_head_seconds_bucket{upstream="toy",le="+Inf"}`, 2],
    [`cache_proxy_upstream_head_seconds_count{upstream="toy"}`, 2],
  ];
  for (const [series, value] of expected) assertEquals(valueOf(text, series), value, series);
  const positive = ["process_resident_memory_bytes", "process_cpu_seconds_total"];
  for (const name of [...positive, "cache_proxy_heap_used_bytes", "cache_proxy_disk_free_bytes"]) {
    assert((valueOf(text, name) ?? 0) > 0, name);
  }
  assert(valueOf(text, "cache_proxy_event_loop_delay_seconds_count") !== undefined);
  assertEquals(valueOf(await scrape(proxy), expected[0]?.[0] ?? ""), 1, "a scrape adds nothing up");
});

Deno.test("a body that a client has left counts as broken, its bytes as they go", async () => {
  // More than the buffers of two sockets hold.
  const size = 64 * 1024 * 1024;
  await using origin = new Origin(fileAnswer(new Uint8Array(size)));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  await proxy.get("/file");
  await proxy.settled();
  const response = await proxy.fetch("/file");
  const reader = response.body?.getReader();
  await reader?.read();
  const during = await scrape(proxy);
  assertEquals(valueOf(during, "cache_proxy_transfers_active"), 1);
  const sent = valueOf(during, `cache_proxy_sent_bytes_total{result="HIT"}`) ?? 0;
  assert(sent > 0 && sent <= size, `${sent} bytes`);
  await reader?.cancel();
  while (valueOf(await scrape(proxy), "cache_proxy_transfers_active") !== 0);
  const after = await scrape(proxy);
  assertEquals(valueOf(after, `cache_proxy_broken_transfers_total{result="HIT"}`), 1);
});

Deno.test("who waits for a download of others or reads it is counted as long as that lasts", async () => {
  const body = new GatedBody([bytesOf("hel"), bytesOf("lo")]);
  const headers = { "content-length": "5" };
  await using origin = new Origin(() => new Response(body.stream, { headers }));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  const all = [];
  for (let count = 0; count < 3; count++) all.push(await proxy.fetch("/file"));
  const during = await scrape(proxy);
  assertEquals(valueOf(during, "cache_proxy_joiners_active"), 2);
  assertEquals(valueOf(during, "cache_proxy_fills_active"), 1);
  body.release();
  for (const response of all) assertEquals(await response.text(), "hello");
  while (valueOf(await scrape(proxy), "cache_proxy_joiners_active") !== 0);
});

Deno.test("what is evicted is counted", async () => {
  await using origin = new Origin(fileAnswer("hello"));
  const config = { cache: { "max-size": "8KiB", "min-free": 0 } };
  await using proxy = await TestProxy.start({ upstreams: [origin.url], config });
  for (const name of ["a", "b", "c", "d"]) {
    await proxy.get(`/${name}`);
    await proxy.settled();
  }
  const text = await scrape(proxy);
  const entries = valueOf(text, "cache_proxy_cache_entries") ?? 0;
  const evicted = valueOf(text, "cache_proxy_evictions_total") ?? 0;
  assertEquals(valueOf(text, "cache_proxy_cache_limit_bytes"), 8192);
  assert(evicted >= 2, `${evicted} evictions`);
  assertEquals(entries + evicted, 4);
  assertEquals(valueOf(text, "cache_proxy_evicted_bytes_total"), evicted * 4096);
});

Deno.test("an upstream that a new config has not got is in no metric any more", async () => {
  await using origin = new Origin(fileAnswer("hello"));
  await using proxy = await TestProxy.start({ upstreams: [{ server: origin.url, name: "old" }] });
  await proxy.get("/file");
  await proxy.settled();
  assertMatch(await scrape(proxy), /upstream="old"/);
  proxy.reload({ upstreams: [{ server: origin.url, name: "new" }] });
  assertEquals(/upstream="old"/.test(await scrape(proxy)), false);
});

Deno.test("values fall into the bucket whose bound they do not exceed", () => {
  const buckets = new Buckets([1, 10]);
  for (const value of [0, 1, 1.5, 10, 11]) buckets.observe(value);
  assertEquals(buckets.snapshot(), { bounds: [1, 10], counts: [2, 2, 1], sum: 23.5 });
});

Deno.test("docs/monitoring.md has exactly the metrics that there are", async () => {
  await using origin = new Origin(fileAnswer("hello"));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  const names = (await scrape(proxy)).matchAll(/^# TYPE (\S+) /gm).map(([, name]) => name);
  const docs = await Deno.readTextFile(new URL("../../docs/monitoring.md", import.meta.url));
  const documented = docs.matchAll(/^\| `([a-z\d_]+)` +\|/gm).map(([, name]) => name);
  // Where everything is permitted, there is one more.
  const usual = [...names].filter((name) => name !== "process_open_fds");
  assertEquals([...documented].sort(), usual.sort());
});

const hasPromtool = await isInstalled("promtool", "--version");

Deno.test({
  name: hasPromtool
    ? "promtool finds nothing wrong with the metrics"
    : "promtool is not installed: the metrics are not checked by it",
  ignore: !hasPromtool,
  async fn() {
    await using good = new Origin(fileAnswer("hello"));
    await using bad = new Origin(statusAnswer(500));
    // A name with all that a label has to escape.
    const upstreams = [{ server: good.url, name: 'a "b" \\c' }, bad.url];
    await using proxy = await TestProxy.start({ upstreams });
    await proxy.get("/file");
    await proxy.settled();
    const text = await scrape(proxy);
    await using child = new Deno.Command("promtool", {
      args: ["check", "metrics"],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(text));
    await writer.close();
    const { code, stdout, stderr } = await child.output();
    const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    assertEquals({ code, said }, { code: 0, said: "" });
  },
});

Deno.test("what writes the metrics is loaded by a scrape alone", async () => {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--frozen", "--json", "main.ts"],
    cwd: fromFileUrl(new URL("../..", import.meta.url)),
  }).output();
  interface Module {
    readonly dependencies?: readonly {
      readonly specifier: string;
      readonly isDynamic?: boolean;
      /** Not there where only types are imported. */
      readonly code?: unknown;
    }[];
  }
  const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as { modules: Module[] };
  const ways = modules.flatMap(({ dependencies = [] }) => dependencies)
    .filter(({ specifier, code }) => specifier.endsWith("/prometheus_text.ts") && code);
  assert(ways.length > 0 && ways.every(({ isDynamic }) => isDynamic));
});
