import { assert, assertEquals } from "@std/assert";
import { ROUTES } from "../../src/server/admin/routes.ts";
import { codeSpans, firstColumn, OPERATOR_PAGES, readProject } from "./pages.ts";

/** `/cache/<path>` and `/cache/{path}` are the same; what follows `?` does not count. */
function placeOf(method: string, path: string): string {
  return `${method} ${path.replace(/\?.*$/, "").replaceAll(/<\w+>|\{\w+\}/g, "*")}`;
}

const KNOWN = new Set(ROUTES.map(({ method, path }) => placeOf(method, path)));

Deno.test("every route that a page for operators names is one", async () => {
  for (const page of OPERATOR_PAGES) {
    const spans = codeSpans(await readProject(page));
    const named = spans.flatMap((span) => {
      const [, method = "", path = ""] = /^(GET|PUT|POST|DELETE) (\/\S*)$/.exec(span) ?? [];
      return method === "" ? [] : [placeOf(method, path)];
    });
    assertEquals(named.filter((route) => !KNOWN.has(route)), [], page);
  }
});

Deno.test("monitoring.md has every route that is for people and programs", async () => {
  const cells = firstColumn(await readProject("docs/monitoring.md"), "request");
  const listed = new Set(
    cells.flatMap(codeSpans).map((span) => {
      const [method = "", path = ""] = span.split(" ");
      return placeOf(method, path);
    }),
  );
  assert(listed.size > 10);
  // What the page at / fetches for itself is nobody else's business.
  const routes = [...KNOWN].filter((route) =>
    !/^GET \/.*\.(?:js|css|svg|ico|png|woff2)$/.test(route)
  );
  assertEquals(routes.filter((route) => !listed.has(route)), []);
});
