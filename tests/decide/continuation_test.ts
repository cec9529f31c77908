import { assertEquals } from "@std/assert";
import { isResumable, judgeContinuation, strongEtag } from "../../src/decide/continuation.ts";
import { formatHttpDate } from "../../src/decide/http_date.ts";
import type { BodyHead, HeaderList } from "../../src/types.ts";
import { bodyHead, NOON } from "../support/facts.ts";

const DATE = ["last-modified", formatHttpDate(NOON)] as const;
const TAG = ["etag", '"v1"'] as const;

function part(range: string, ...others: HeaderList): HeaderList {
  return [["content-range", range], ...others];
}

function judge(
  status: number,
  headers: HeaderList,
  { upstream = "other", begun = {} }: { upstream?: string; begun?: Partial<BodyHead> } = {},
): string {
  const head = bodyHead({ size: 100, etag: '"v1"', lastModified: NOON, ...begun });
  const facts = { upstream, status, headers };
  const judged = judgeContinuation(facts, head, { from: 40, offset: 50 }, NOON);
  return judged.kind === "same" ? `${judged.start}-${judged.end}` : judged.reason.kind;
}

Deno.test("a part goes on with a body when it says the same of the whole", () => {
  const table: [status: number, headers: HeaderList, expected: string][] = [
    [206, part("bytes 40-99/100", DATE), "40-100"],
    [206, part("bytes 40-99/100", TAG), "40-100"],
    [206, part("bytes 40-99/100", ["etag", '"other"'], DATE), "40-100"],
    [206, part("BYTES 0-99/100", DATE), "0-100"],
    [206, part("bytes 40-60/100", DATE), "40-61"],
    [200, [["content-length", "100"], DATE], "0-100"],
    // Nothing new, too late, or beyond the end.
    [206, part("bytes 40-49/100", DATE), "differs"],
    [206, part("bytes 41-99/100", DATE), "differs"],
    [206, part("bytes 40-100/100", DATE), "differs"],
    // Another length, or none.
    [206, part("bytes 40-99/101", DATE), "differs"],
    [206, part("bytes 40-99/*", DATE), "differs"],
    [200, [["content-length", "101"], DATE], "differs"],
    [200, [DATE], "differs"],
    // Another version, or nothing to tell.
    [206, part("bytes 40-99/100"), "differs"],
    [206, part("bytes 40-99/100", ["etag", 'W/"v1"']), "differs"],
    [206, part("bytes 40-99/100", ["etag", '"v2"']), "differs"],
    [206, part("bytes 40-99/100", ["last-modified", formatHttpDate(NOON + 1000)]), "differs"],
    [206, part("bytes 40-99/100", DATE, ["content-encoding", "gzip"]), "differs"],
    // No part at all.
    [206, [DATE], "status"],
    [206, part("lines 40-99/100", DATE), "status"],
    [304, [DATE], "status"],
    [416, part("bytes */100", DATE), "status"],
  ];
  for (const [status, headers, expected] of table) {
    assertEquals(judge(status, headers), expected, `${status} ${JSON.stringify(headers)}`);
  }
});

Deno.test("one mirror that changes its ETag has another file, whatever its date", () => {
  const headers = part("bytes 40-99/100", ["etag", '"v2"'], DATE);
  assertEquals(judge(206, headers, { upstream: "mirror" }), "differs");
  assertEquals(judge(206, part("bytes 40-99/100", DATE), { upstream: "mirror" }), "differs");
  const begun = { etag: null };
  assertEquals(judge(206, part("bytes 40-99/100", DATE), { upstream: "mirror", begun }), "40-100");
});

Deno.test("only a body of known length with a validator can be gone on with", () => {
  const table: [facts: Partial<BodyHead>, expected: boolean][] = [
    [{}, true],
    [{ lastModified: null }, true],
    [{ etag: null }, true],
    [{ etag: null, lastModified: null }, false],
    [{ etag: 'W/"v1"', lastModified: null }, false],
    [{ size: null }, false],
    [{ size: 0 }, false],
    [{ status: 404 }, false],
  ];
  for (const [facts, expected] of table) {
    assertEquals(isResumable(bodyHead(facts)), expected, JSON.stringify(facts));
  }
});

Deno.test("an ETag is strong when it is a quoted string without W/", () => {
  const table: [etag: string | null, strong: boolean][] = [
    ['"v1"', true],
    ['""', true],
    ['W/"v1"', false],
    ['w/"v1"', false],
    ["v1", false],
    ['"a"b"', false],
    ["", false],
    [null, false],
  ];
  for (const [etag, strong] of table) assertEquals(strongEtag(etag), strong ? etag : null);
});
