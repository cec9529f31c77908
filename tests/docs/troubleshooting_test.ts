import { assert, assertEquals } from "@std/assert";
import { parse } from "@std/yaml";
import { type CacheResult, cacheStatus } from "../../src/decide/cache_status.ts";
import { unavailableAnswer } from "../../src/server/error_answer.ts";
import { codeBlocks, codeSpans, firstColumn, headings, readProject } from "./pages.ts";
import { sourceLiterals, VARYING } from "./source_literals.ts";

const PAGE = await readProject("docs/troubleshooting.md");
const LITERALS = sourceLiterals();

/** How much of a message the literal has to give where a value of it is spelled out. */
const MIN_LITERAL_SHARE = 0.6;

/** A shorter one says nothing. */
const MIN_MESSAGE_LETTERS = 8;

/** Whether the program has this message, `…` being what varies. */
function isMessage(line: string): boolean {
  if (lettersOf(line) < MIN_MESSAGE_LETTERS) return false;
  if (LITERALS.has(line)) return true;
  return [...LITERALS].some((literal) =>
    literal.includes(VARYING) &&
    lettersOf(literal) >= MIN_LITERAL_SHARE * lettersOf(line) &&
    patternOf(literal).test(line)
  );
}

function patternOf(literal: string): RegExp {
  const parts = literal.split(VARYING).map((it) => it.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".+")}$`);
}

function lettersOf(text: string): number {
  return text.replaceAll(/[\s…]/g, "").length;
}

Deno.test("messages are told from what the program does not say", () => {
  assert(isMessage("No upstream has this file"));
  assert(isMessage("… answers again"));
  assert(!isMessage("… answers no more"));
  assert(!isMessage("Cannot frobnicate the disk: …"));
  assert(!isMessage("…"));
});

Deno.test("every message in troubleshooting.md is one of the program's", () => {
  const blocks = codeBlocks(PAGE).filter(({ language }) => language === "text");
  const lines = blocks.flatMap(({ text }) => text.trim().split("\n"));
  assert(lines.length > 40, `only ${lines.length} were found`);
  assertEquals(lines.filter((line) => !isMessage(line)), []);
});

Deno.test("every reason in troubleshooting.md is one of the program's", () => {
  const reasons = firstColumn(PAGE, "`reason`").flatMap(codeSpans);
  assert(reasons.length > 20, `only ${reasons.length} were found`);
  assertEquals(reasons.filter((reason) => !LITERALS.has(reason)), []);
});

Deno.test("what troubleshooting.md says of Cache-Status is what answers have", () => {
  const results: readonly CacheResult[] = [
    "HIT",
    "MISS",
    "REVALIDATED",
    "STALE",
    "JOINED",
    "BYPASS",
  ];
  const values = results.flatMap((result) =>
    [true, false].map((hadStored) =>
      cacheStatus(result, { hadStored, upstream: null, freshForMs: -1000 })
    )
  );
  values.push(unavailableAnswer("offline").headers.get("cache-status") ?? "");
  const spans = codeSpans(PAGE).filter((span) => /^(?:fwd|detail|ttl)=/.test(span));
  assert(spans.length > 2, "none was found");
  assertEquals(spans.filter((span) => !values.some((value) => value.includes(span))), []);
});

Deno.test("every section has something to see and, where it says what, something to do", () => {
  const sections = PAGE.split(/^## /m).slice(1).filter((it) => !it.startsWith("What a report"));
  assert(sections.length > 12);
  for (const section of sections) {
    const tells = /\*\*See\*\*|```text|^\|/m.test(section);
    const helps = /\*\*Do\*\*|what to do/.test(section);
    assert(tells && helps, section.split("\n")[0]);
  }
});

Deno.test("every alert names sections of troubleshooting.md, and monitoring.md has them all", async () => {
  const rules = parse(await readProject("deploy/prometheus-alerts.yml")) as {
    groups: { rules: { alert: string; annotations: { description: string } }[] }[];
  };
  const alerts = rules.groups.flatMap((group) => group.rules);
  const sections = new Set(headings(PAGE));
  for (const { alert, annotations } of alerts) {
    const named = [...annotations.description.matchAll(/"([A-Z][^"]+)"/g)].map(([, it = ""]) => it);
    assert(named.length > 0, `${alert} names no section`);
    assertEquals(named.filter((name) => !sections.has(name)), [], alert);
  }
  const listed = firstColumn(await readProject("docs/monitoring.md"), "alert").flatMap(codeSpans);
  assertEquals(listed.toSorted(), alerts.map(({ alert }) => alert).toSorted());
});
