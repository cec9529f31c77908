import { assert, assertEquals } from "@std/assert";
import { parseDirectives } from "../../src/decide/cache_control.ts";
import { judgeReuse, policyFor, type Reuse } from "../../src/decide/freshness.ts";
import { formatHttpDate } from "../../src/decide/http_date.ts";
import type { Policy, RefreshAfter } from "../../src/types.ts";
import { entry, NOON, pattern, policy } from "../support/facts.ts";
import { fieldLines } from "../support/field_lines.ts";

interface Facts extends Partial<Policy> {
  /** `Cache-Control` of the client. */
  readonly client?: string;
  readonly targeted?: boolean;
  readonly headers?: readonly string[];
}

/** Judges a copy with this `Cache-Control`, so many seconds after it came. */
function judge(cacheControl: string, afterSeconds: number, facts: Facts = {}): Reuse {
  const { client = "", targeted = false, headers = [], ...rest } = facts;
  const lines = [`Cache-Control: ${cacheControl}`, ...headers];
  const copy = entry({ headers: fieldLines(...lines), lastModified: null });
  const request = parseDirectives([["cache-control", client]], "cache-control");
  const now = NOON + afterSeconds * 1000;
  return judgeReuse(copy, policy({ refreshAfter: "upstream", ...rest }), {
    now,
    targeted,
    request,
  });
}

/** In a word: `fresh young`, or `stale old` with `+swr` and `+sie` for what may be done with it. */
function word(reuse: Reuse): string {
  const { kind, reason } = reuse;
  if (kind === "fresh") return `fresh ${reason}`;
  const swr = reuse.mayServeWhileRevalidating ? " +swr" : "";
  return `stale ${reason}${swr}${reuse.mayServeOnError ? " +sie" : ""}`;
}

Deno.test("a copy is fresh until refresh-after has passed since it was last vouched for", () => {
  const table: [
    ageMs: number,
    refreshAfter: RefreshAfter,
    expected: string,
    left: number | null,
  ][] = [
    [0, 1000, "fresh young", 1000],
    [999, 1000, "fresh young", 1],
    [1000, 1000, "stale old +sie", 0],
    [1e12, 1000, "stale old +sie", 1000 - 1e12],
    [0, 0, "stale old +sie", 0],
    [1e15, "never", "fresh never-refreshed", null],
    [-1, 1000, "stale from-the-future +sie", 0],
    [-1e9, "never", "fresh never-refreshed", null],
  ];
  for (const [ageMs, refreshAfter, expected, left] of table) {
    const copy = entry({ storedAt: 0, validatedAt: NOON - ageMs, headers: fieldLines("Age: 99") });
    const question = { now: NOON, targeted: false, request: new Map() };
    const reuse = judgeReuse(copy, policy({ refreshAfter }), question);
    assertEquals([word(reuse), reuse.freshForMs], [expected, left], `${ageMs} of ${refreshAfter}`);
  }
});

Deno.test("the first policy that matches applies", () => {
  const policies: Policy[] = [
    policy({ match: pattern("\\.deb$"), refreshAfter: "never" }),
    policy({ match: pattern("^/debian/"), refreshAfter: 10 }),
    policy({ match: pattern(""), refreshAfter: 20 }),
  ];
  assertEquals(policyFor("/debian/x.deb", policies).refreshAfter, "never");
  assertEquals(policyFor("/debian/Release", policies).refreshAfter, 10);
  assertEquals(policyFor("/other", policies).refreshAfter, 20);
});

Deno.test("what the response says counts in upstream mode alone", () => {
  const said = "no-cache, max-age=0, must-revalidate, stale-while-revalidate=99, stale-if-error=0";
  assertEquals(word(judge(said, 5, { refreshAfter: 10_000 })), "fresh young");
  assertEquals(word(judge(said, 15, { refreshAfter: 10_000 })), "stale old +sie");
  assertEquals(word(judge(said, 15, { refreshAfter: "never" })), "fresh never-refreshed");
});

Deno.test("RFC 9111 4.2: a response is fresh while its lifetime is greater than its age", () => {
  const table: [cacheControl: string, after: number, expected: string, left: number][] = [
    ["max-age=60", 0, "fresh young", 60],
    ["max-age=60", 59, "fresh young", 1],
    ["max-age=60", 60, "stale old +sie", 0],
    ["max-age=60", 61, "stale old +sie", -1],
    ["s-maxage=60, max-age=1", 59, "fresh young", 1],
    ["", 0, "stale old +sie", 0],
  ];
  for (const [cacheControl, after, expected, left] of table) {
    const reuse = judge(cacheControl, after);
    assertEquals([word(reuse), reuse.freshForMs], [expected, left * 1000], cacheControl);
  }
});

Deno.test("RFC 9111 4.2.3: Age and Date of the response count", () => {
  assertEquals(word(judge("max-age=60", 0, { headers: ["Age: 59"] })), "fresh young");
  assertEquals(word(judge("max-age=60", 0, { headers: ["Age: 60"] })), "stale old +sie");
  const headers = [`Date: ${formatHttpDate(NOON - 60_000)}`];
  assertEquals(word(judge("max-age=60", 0, { headers })), "stale old +sie");
});

Deno.test("RFC 9111 4.2.2: an adopted file is fresh for a tenth of its age", () => {
  const copy = entry({ headers: [], upstream: null, lastModified: NOON - 600_000 });
  const upstream = policy({ refreshAfter: "upstream" });
  const at = (now: number) =>
    judgeReuse(copy, upstream, { now, targeted: false, request: new Map() });
  assertEquals(word(at(NOON + 59_999)), "fresh young");
  assertEquals(word(at(NOON + 60_000)), "stale old +sie");
});

Deno.test("a copy from the future is stale, may help out, and is never called fresh", () => {
  const facts = { staleWhileRevalidateMs: 1, staleIfErrorMs: 0 };
  const reuse = judge("max-age=60", -1, facts);
  assertEquals([word(reuse), reuse.freshForMs], ["stale from-the-future +swr +sie", 0]);
  assertEquals(
    word(judge("max-age=60", -1, { client: "max-stale" })),
    "stale from-the-future +sie",
  );
  const later = { ...facts, headers: ["Age: 100"] };
  assertEquals(word(judge("max-age=60", -1, later)), "stale from-the-future");
});

Deno.test("RFC 9111 5.2.2.4: no-cache is asked about each time, and nothing makes it fresh", () => {
  for (const directive of ["no-cache", 'no-cache="set-cookie"', "No-Cache"]) {
    const facts = { staleWhileRevalidateMs: 1e9, client: "max-stale, stale-if-error=99" };
    const reuse = judge(`max-age=10000, stale-while-revalidate=99, ${directive}`, 5, facts);
    assertEquals([word(reuse), reuse.freshForMs], ["stale no-cache", 0], directive);
  }
});

Deno.test("RFC 9111 5.2.2.2, 5.2.2.8, 5.2.2.10: some directives forbid to serve what is stale", () => {
  const extra = "stale-while-revalidate=99, stale-if-error=99";
  const facts = { staleWhileRevalidateMs: 1e9, client: "max-stale, stale-if-error=99" };
  for (const directive of ["must-revalidate", "proxy-revalidate", "s-maxage=10"]) {
    const cacheControl = `max-age=10, ${directive}, ${extra}`;
    assertEquals(word(judge(cacheControl, 9, facts)), "fresh young", directive);
    assertEquals(word(judge(cacheControl, 10, facts)), "stale old", directive);
    // Fresh to all but this client: nothing stale would be served.
    const picky = { ...facts, client: "max-age=5" };
    assertEquals(word(judge(cacheControl, 9, picky)), "stale client-max-age +sie", directive);
  }
  assertEquals(word(judge(`max-age=10, ${extra}`, 10, facts)), "fresh max-stale");
  assertEquals(word(judge(`max-age=10, must-understand, ${extra}`, 10)), "stale old +swr +sie");
});

Deno.test("RFC 5861 3: stale-while-revalidate of the response or of the policy, the longer one", () => {
  const table: [own: number | null, policyMs: number, staleFor: number, allowed: boolean][] = [
    [null, 0, 0, false],
    [null, 5000, 0, true],
    [null, 5000, 4, true],
    [null, 5000, 5, false],
    [8, 5000, 7, true],
    [8, 5000, 8, false],
    [8, 0, 7, true],
    [0, 5000, 4, true],
    [0, 0, 0, false],
  ];
  for (const [own, staleWhileRevalidateMs, staleFor, allowed] of table) {
    const directive = own === null ? "" : `, stale-while-revalidate=${own}`;
    const reuse = judge(`max-age=10${directive}`, 10 + staleFor, { staleWhileRevalidateMs });
    const expected = `stale old${allowed ? " +swr" : ""} +sie`;
    assertEquals(word(reuse), expected, `${own} ${staleWhileRevalidateMs} ${staleFor}`);
  }
});

Deno.test("RFC 5861 4: stale-if-error of the client before the response's before the policy's", () => {
  const bounds = [null, 0, 5, 20];
  for (const client of bounds) {
    for (const own of bounds) {
      for (const configured of bounds) {
        for (const staleFor of [0, 1, 5, 6, 20, 21]) {
          const directive = own === null ? "" : `, stale-if-error=${own}`;
          const reuse = judge(`max-age=10${directive}`, 10 + staleFor, {
            staleIfErrorMs: configured === null ? null : configured * 1000,
            ...(client === null ? {} : { client: `stale-if-error=${client}` }),
          });
          const bound = client ?? own ?? configured ?? Infinity;
          const expected = `stale old${staleFor <= bound ? " +sie" : ""}`;
          assertEquals(word(reuse), expected, [client, own, configured, staleFor].join());
        }
      }
    }
  }
});

Deno.test("RFC 9213 2.2: the targeted directives count for staleness too", () => {
  const headers = ["CDN-Cache-Control: max-age=10, must-revalidate"];
  assertEquals(word(judge("no-cache", 9, { headers, targeted: true })), "fresh young");
  assertEquals(word(judge("max-age=99", 10, { headers, targeted: true })), "stale old");
  assertEquals(word(judge("max-age=99", 10, { headers })), "fresh young");
});

/** All three modes with a lifetime of 60 s. */
const MODES: [cacheControl: string, refreshAfter: RefreshAfter][] = [
  ["max-age=60", "upstream"],
  ["", 60_000],
];

Deno.test("RFC 9111 5.2.1.4: no-cache of a client is never answered from the cache alone", () => {
  const facts = { client: "no-cache, max-stale, stale-if-error=99", staleWhileRevalidateMs: 1e9 };
  for (const [cacheControl, refreshAfter] of [...MODES, ["", "never"] as const]) {
    for (const after of [0, 61]) {
      const reuse = judge(cacheControl, after, { ...facts, refreshAfter });
      assertEquals(word(reuse), "stale client-no-cache", `${refreshAfter}`);
    }
  }
});

Deno.test("RFC 9111 5.2.1.1: max-age of a client bounds the age", () => {
  const facts = { staleWhileRevalidateMs: 1e9 };
  for (const [cacheControl, refreshAfter] of MODES) {
    const at = (after: number, client: string) =>
      word(judge(cacheControl, after, { ...facts, refreshAfter, client }));
    assertEquals(at(30, "max-age=30"), "fresh young");
    assertEquals(at(30, "max-age=29"), "stale client-max-age +sie");
    assertEquals(at(1, "max-age=0"), "stale client-max-age +sie");
    assertEquals(at(1, "max-age=x"), "stale client-max-age +sie");
    assertEquals(at(61, "max-age=99"), "stale old +swr +sie");
    assertEquals(at(61, "max-age=30"), "stale old +sie");
    // Accepted is a copy that its origin calls stale, not one that is older than asked for.
    assertEquals(at(61, "max-age=99, max-stale"), "fresh max-stale");
    assertEquals(at(61, "max-age=30, max-stale"), "stale old +sie");
  }
  const never = judge("", 30, { refreshAfter: "never", client: "max-age=29" });
  assertEquals([word(never), never.freshForMs], ["stale client-max-age +sie", null]);
  const aged = { headers: ["Age: 1800"], client: "max-age=600" };
  assertEquals(word(judge("max-age=3600", 0, aged)), "stale client-max-age +sie");
});

Deno.test("RFC 9111 5.2.1.3: min-fresh asks for a copy that stays fresh for so long", () => {
  for (const [cacheControl, refreshAfter] of MODES) {
    const at = (after: number, client: string) =>
      judge(cacheControl, after, { refreshAfter, client });
    assertEquals(word(at(30, "min-fresh=30")), "fresh young");
    const short = at(30, "min-fresh=31");
    assertEquals([word(short), short.freshForMs], ["stale client-min-fresh +sie", 30_000]);
    assertEquals(word(at(61, "min-fresh=0")), "stale old +sie");
    assertEquals(word(at(61, "min-fresh=1, max-stale")), "stale old +sie");
  }
  const never = { refreshAfter: "never", client: "min-fresh=99999" } as const;
  assertEquals(word(judge("", 0, never)), "fresh never-refreshed");
});

Deno.test("RFC 9111 5.2.1.2: max-stale takes a copy that is stale, for so long or any time", () => {
  for (const [cacheControl, refreshAfter] of MODES) {
    const at = (after: number, client: string) =>
      judge(cacheControl, after, { refreshAfter, client });
    const taken = at(70, "max-stale=10");
    assertEquals([word(taken), taken.freshForMs], ["fresh max-stale", -10_000]);
    assertEquals(word(at(71, "max-stale=10")), "stale old +sie");
    assertEquals(word(at(1e6, "max-stale")), "fresh max-stale");
    assertEquals(word(at(61, "max-stale=x")), "stale old +sie");
    assertEquals(word(at(59, "max-stale=10")), "fresh young");
  }
});

Deno.test("RFC 9111 4: in all cases a copy is reused if and only if nobody objects", () => {
  const responses = ["", "no-cache", "must-revalidate", "proxy-revalidate", "s-maxage=60"];
  const clients = ["", "no-cache", "max-age=50", "min-fresh=10", "max-stale", "max-stale=5"];
  for (const response of responses) {
    for (const first of clients) {
      for (const second of clients) {
        for (const after of [-1, 0, 49, 50, 51, 59, 60, 61, 65, 66]) {
          const client = `${first}, ${second}`;
          const asked = (directive: string) => first === directive || second === directive;
          // Of two max-stale the first one counts.
          const maxStale = [first, second].find((text) => text.startsWith("max-stale"));
          const objections = [
            after < 0,
            response === "no-cache",
            asked("no-cache"),
            asked("max-age=50") && after > 50,
            asked("min-fresh=10") && after > 50,
            after >= 60 && (response !== "" || maxStale === undefined),
            after > 65 && maxStale !== "max-stale",
          ];
          const reuse = judge(`max-age=60, ${response}`, after, { client });
          const label = `${response} / ${client} / ${after}`;
          assertEquals(reuse.kind === "fresh", !objections.includes(true), label);
          if (reuse.kind === "fresh") continue;
          // With every bound open only a prohibition is left.
          const forbidden = response === "no-cache" || asked("no-cache") ||
            (response !== "" && (after < 0 || after >= 60));
          assertEquals(reuse.mayServeOnError, !forbidden, label);
          assert(!reuse.mayServeWhileRevalidating, label);
        }
      }
    }
  }
});
