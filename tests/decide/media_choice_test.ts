import { assertEquals } from "@std/assert";
import { chosenAccept } from "../../src/decide/media_choice.ts";

const ABBREVIATED = "application/vnd.npm.install-v1+json";
const NPM = ["application/json", ABBREVIATED];
const JSON_INDEX = "application/vnd.pypi.simple.v1+json";
const HTML_INDEX = "application/vnd.pypi.simple.v1+html";
const PYPI = ["text/html", HTML_INDEX, JSON_INDEX];

function chosen(accept: readonly string[] | "pass", ...lines: string[]): string | null {
  return chosenAccept({ accept }, lines.map((line) => ["accept", line] as const));
}

/** The type in what is sent where there is a list. */
function form(accept: readonly string[], ...lines: string[]): string | null {
  const sent = chosen(accept, ...lines);
  assertEquals(sent?.endsWith(", */*;q=0.1"), true);
  return sent?.replace(/,.*$/, "") ?? null;
}

Deno.test("what real clients send chooses the form that they want most", () => {
  const cases:
    readonly (readonly [client: string, listed: readonly string[], sent: string | null, string])[] =
      [
        ["npm install", NPM, `${ABBREVIATED}; q=1.0, application/json; q=0.8, */*`, ABBREVIATED],
        ["npm view", NPM, "application/json", "application/json"],
        ["pnpm, full", NPM, "application/json; q=1.0, */*", "application/json"],
        ["curl", NPM, "*/*", "application/json"],
        ["nothing", NPM, null, "application/json"],
        ["pip", PYPI, `${JSON_INDEX}, ${HTML_INDEX}; q=0.1, text/html; q=0.01`, JSON_INDEX],
        ["uv", PYPI, `${JSON_INDEX}, ${HTML_INDEX};q=0.2, text/html;q=0.01`, JSON_INDEX],
        ["pip 21", PYPI, "text/html", "text/html"],
        [
          "a browser",
          PYPI,
          "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
          "text/html",
        ],
        ["curl", PYPI, "*/*", "text/html"],
      ];
  for (const [client, listed, sent, wanted] of cases) {
    assertEquals(form(listed, ...sent === null ? [] : [sent]), wanted, client);
  }
});

Deno.test("weights, ranges and refusals count, in any case and over several lines", () => {
  assertEquals(form(NPM, "APPLICATION/JSON;Q=0.1", `${ABBREVIATED};q=0.2`), ABBREVIATED);
  assertEquals(form(PYPI, "text/html;q=0, */*"), HTML_INDEX);
  assertEquals(form(PYPI, "application/*"), HTML_INDEX);
  assertEquals(form(NPM, `application/json;q=0, ${ABBREVIATED};q=0`), "application/json");
  assertEquals(form(NPM, "image/png"), "application/json");
  assertEquals(form(NPM, "nonsense, ;;,"), "application/json");
  assertEquals(form(NPM, `${ABBREVIATED};q=nonsense`), "application/json");
  assertEquals(chosen([], "a/b"), null);
});

Deno.test("what is passed is the client's own, in one spelling for all", () => {
  const one = chosen("pass", "application/vnd.oci.image.index.v1+json", "a/b; q=0.5,application/x");
  const other = chosen(
    "pass",
    "application/X , A/B;q=0.50",
    "application/vnd.oci.image.index.v1+json",
  );
  assertEquals(one, "a/b;q=0.5, application/vnd.oci.image.index.v1+json, application/x");
  assertEquals(other, one);
  assertEquals(chosen("pass"), null);
  assertEquals(chosen("pass", "*/*"), null);
  assertEquals(chosen("pass", "a/b,".repeat(1000)), null);
  assertEquals(chosen("pass", "a/b, a/b"), "a/b");
});
