import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { formatHttpDate } from "../../src/decide/http_date.ts";
import {
  planResponse,
  type RepresentationFacts,
  type ResponsePlan,
  type SelectingHeaders,
} from "../../src/decide/plan_response.ts";
import { NOON } from "../support/facts.ts";

const WHOLE: RepresentationFacts = {
  status: 200,
  size: 10,
  available: 10,
  etag: '"v1"',
  lastModified: NOON - 60_000,
};
const GROWING: RepresentationFacts = { ...WHOLE, size: null, available: 4 };

function plan(
  request: Partial<SelectingHeaders>,
  facts: RepresentationFacts = WHOLE,
): ResponsePlan {
  return planResponse(
    {
      method: "GET",
      range: null,
      ifRange: null,
      ifMatch: null,
      ifUnmodifiedSince: null,
      ifNoneMatch: null,
      ifModifiedSince: null,
      ...request,
    },
    facts,
    NOON,
  );
}

function ranges(size: number | null, first: [number, number], ...others: [number, number][]) {
  const toRange = ([start, end]: [number, number]) => ({ start, end });
  return { kind: "ranges", ranges: [toRange(first), ...others.map(toRange)], size } as const;
}

Deno.test("what a request for a representation of a known size gets", () => {
  const date = formatHttpDate(NOON - 60_000);
  const table: [request: Partial<SelectingHeaders>, plan: ResponsePlan][] = [
    [{}, { kind: "whole" }],
    [{ range: "bytes=2-3" }, ranges(10, [2, 3])],
    [{ range: "bytes=-3" }, ranges(10, [7, 9])],
    [{ range: "bytes=8-" }, ranges(10, [8, 9])],
    [{ range: "bytes=8-99" }, ranges(10, [8, 9])],
    [{ range: "bytes=0-0,-1" }, ranges(10, [0, 0], [9, 9])],
    [{ range: "bytes=10-" }, { kind: "unsatisfiable", size: 10 }],
    [{ range: "bytes=20-,0-1" }, ranges(10, [0, 1])],
    [{ range: "lines=1-2" }, { kind: "whole" }],
    [{ range: "bytes=3-2" }, { kind: "whole" }],
    [{ method: "HEAD", range: "bytes=2-3" }, { kind: "whole" }],
    [{ range: "bytes=2-3", ifRange: '"v1"' }, ranges(10, [2, 3])],
    [{ range: "bytes=2-3", ifRange: '"v2"' }, { kind: "whole" }],
    [{ range: "bytes=2-3", ifRange: date }, ranges(10, [2, 3])],
    [{ range: "bytes=20-", ifRange: '"v2"' }, { kind: "whole" }],
    [{ ifNoneMatch: '"v1"' }, { kind: "not-modified" }],
    [{ ifNoneMatch: '"v1"', range: "bytes=2-3" }, { kind: "not-modified" }],
    [{ method: "HEAD", ifNoneMatch: '"v1"' }, { kind: "not-modified" }],
    [{ ifModifiedSince: date }, { kind: "not-modified" }],
    [{ ifNoneMatch: '"v2"', ifModifiedSince: date }, { kind: "whole" }],
    [{ ifMatch: '"v2"' }, { kind: "precondition-failed" }],
    [{ ifMatch: '"v2"', range: "bytes=20-" }, { kind: "precondition-failed" }],
    [{ ifUnmodifiedSince: formatHttpDate(NOON - 61_000) }, { kind: "precondition-failed" }],
  ];
  for (const [request, expected] of table) {
    assertEquals(plan(request), expected, JSON.stringify(request));
  }
});

Deno.test("what needs the end of a growing file waits, the rest does not", () => {
  const table: [request: Partial<SelectingHeaders>, plan: ResponsePlan][] = [
    [{}, { kind: "whole" }],
    [{ method: "HEAD", range: "bytes=-1" }, { kind: "whole" }],
    [{ range: "bytes=1-3" }, ranges(null, [1, 3])],
    [{ range: "bytes=1-4" }, { kind: "wait", bytes: 5 }],
    [{ range: "bytes=90-99" }, { kind: "wait", bytes: 100 }],
    [{ range: "bytes=1-" }, { kind: "wait", bytes: null }],
    [{ range: "bytes=-1" }, { kind: "wait", bytes: null }],
    [{ range: "bytes=0-0,1-1" }, { kind: "wait", bytes: null }],
    [{ ifNoneMatch: '"v1"', range: "bytes=-1" }, { kind: "not-modified" }],
    [{ range: "bytes=-1", ifRange: '"v2"' }, { kind: "whole" }],
  ];
  for (const [request, expected] of table) {
    assertEquals(plan(request, GROWING), expected, JSON.stringify(request));
  }
  const sized: RepresentationFacts = { ...GROWING, size: 10 };
  assertEquals(plan({ range: "bytes=-1" }, sized), ranges(10, [9, 9]));
});

Deno.test("a body that has ended needs no more waiting, whatever is asked", () => {
  fc.assert(fc.property(
    fc.nat(20),
    fc.array(fc.tuple(fc.option(fc.nat(30)), fc.option(fc.nat(30))), {
      minLength: 1,
      maxLength: 4,
    }),
    (size, specs) => {
      const range = `bytes=${specs.map(([a, b]) => `${a ?? ""}-${b ?? ""}`).join()}`;
      const { kind } = plan({ range }, { ...WHOLE, size, available: size });
      assertEquals(kind === "wait", false);
    },
  ));
});
