import { assertEquals } from "@std/assert";
import { Gate } from "../../support/gate.ts";
import { Bench, resultOf } from "./bench.ts";

const FRESH = "Cache-Control: max-age=9";

Deno.test("RFC 9110 15.2: interim answers are not the answer", async () => {
  for (const interim of ["100 Continue", "102 Processing", "103 Early Hints", "199 What"]) {
    await using bench = await Bench.start();
    const head = `HTTP/1.1 ${interim}\r\nLink: </a>; rel=preload\r\nX-Interim: 1\r\n\r\n`;
    bench.answer = ({ write }) =>
      write(head + head + bench.message([FRESH, "X-Final: 1"], "final"));
    for (const result of ["MISS", "HIT"]) {
      const { response, text } = await bench.proxy.get("/x");
      await bench.proxy.settled();
      assertEquals(resultOf(response, text), `${result} final`, interim);
      const { headers } = response;
      assertEquals([headers.get("x-final"), headers.get("x-interim")], ["1", null], interim);
    }
  }
});

Deno.test("RFC 9111 3: of what may not be stored each client gets an answer of its own", async () => {
  for (
    const reply of [["Cache-Control: no-store"], ["Cache-Control: private"], [], ["404"], ["503"]]
  ) {
    await using bench = await Bench.start();
    const gate = new Gate();
    let answers = 0;
    bench.answer = async ({ write }) => {
      const body = `answer ${++answers}`;
      await gate.opened;
      await write(bench.message(reply, body));
    };
    const asking = Array.from({ length: 20 }, () => bench.proxy.get("/x"));
    await bench.origin.asked.reaches(1);
    gate.open();
    const texts = (await Promise.all(asking)).map(({ text }) => text);
    assertEquals(new Set(texts).size, 20);
    assertEquals(texts.every((text) => /^answer \d+$/.test(text)), true);
    await bench.proxy.assertNothingStored();
  }
});

Deno.test("who joins a download that may be stored is served from it, once for all", async () => {
  await using bench = await Bench.start();
  const gate = new Gate();
  bench.answer = async ({ write }) => {
    await gate.opened;
    await write(bench.message(["301", FRESH, "Location: /y", "Set-Cookie: a=b"], "moved"));
  };
  const ask = () => bench.proxy.get("/x", { redirect: "manual" });
  const asking = Array.from({ length: 20 }, ask);
  await bench.origin.asked.reaches(1);
  gate.open();
  for (const { response, text } of await Promise.all(asking)) {
    assertEquals([response.status, text], [301, "moved"]);
    assertEquals(response.headers.get("location"), "/y");
    assertEquals(response.headers.getSetCookie(), ["a=b"]);
  }
  assertEquals(bench.origin.heads.length, 1);
});

Deno.test("an error meanwhile is not given to those who may have the stale copy", async () => {
  await using bench = await Bench.start();
  await bench.step({ reply: [FRESH], expect: "MISS 1" });
  bench.clock.advance(10_000);
  const gate = new Gate();
  bench.answer = async ({ write }) => {
    await gate.opened;
    await write(bench.message(["503", FRESH], "sorry"));
  };
  const asking = Array.from({ length: 10 }, async () => {
    const { response, text } = await bench.proxy.get("/x");
    return resultOf(response, text);
  });
  await bench.origin.asked.reaches(2);
  gate.open();
  assertEquals(new Set(await Promise.all(asking)), new Set(["STALE 1"]));
});

Deno.test("RFC 9111 5.2.2.2: an origin that is silent is no reason to break must-revalidate", async () => {
  await using bench = await Bench.start();
  await bench.step({ reply: ["Cache-Control: max-age=5, must-revalidate"], expect: "MISS 1" });
  bench.clock.advance(6_000);
  bench.answer = ({ closedByPeer }) => closedByPeer();
  const asking = bench.proxy.get("/x");
  await bench.origin.asked.reaches(2);
  bench.clock.advance(60_000);
  assertEquals((await asking).response.status, 504);
});
