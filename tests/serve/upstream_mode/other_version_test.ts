import { assertEquals } from "@std/assert";
import { formatHttpDate } from "../../../src/decide/http_date.ts";
import { NOON } from "../../support/facts.ts";
import { ManualClock } from "../../support/manual_clock.ts";
import { type Answerer, Origin } from "../../support/origin.ts";
import { TestProxy } from "../../support/test_proxy.ts";

async function revalidated(later: Answerer) {
  const clock = new ManualClock(NOON);
  const headers = {
    etag: '"a"',
    "last-modified": formatHttpDate(NOON - 9000),
    "cache-control": "max-age=5",
  };
  await using origin = new Origin(() => new Response("first", { headers }));
  await using proxy = await TestProxy.start({
    upstreams: [origin.url],
    config: { cache: { timeout: "upstream" } },
    clock,
  });
  await proxy.get("/x");
  await proxy.settled();
  clock.advance(60_000);
  origin.answer = later;
  const { response, text } = await proxy.get("/x");
  const conditions = origin.seen.map((seen) => seen.headers.get("if-none-match"));
  return { result: `${response.headers.get("x-cache")} ${text}`, response, conditions };
}

Deno.test("RFC 9111 4.3.4: a 304 with another strong ETag is none of our copy: it is asked again", async () => {
  const { result, conditions } = await revalidated(({ headers }) => {
    const status = headers.has("if-none-match") ? 304 : 200;
    return new Response(status === 304 ? null : "second", { status, headers: { etag: '"b"' } });
  });
  assertEquals([result, conditions], ["MISS second", [null, '"a"', null]]);
});

Deno.test("RFC 9111 3.2: a 304 renews the date of the last modification", async () => {
  const date = formatHttpDate(NOON - 3000);
  const { result, response } = await revalidated(() =>
    new Response(null, { status: 304, headers: { etag: '"a"', "last-modified": date } })
  );
  assertEquals([result, response.headers.get("last-modified")], ["REVALIDATED first", date]);
});
