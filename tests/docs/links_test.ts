import { assert, assertEquals } from "@std/assert";
import { dirname, join } from "@std/path";
import { allPages, headings, OPERATOR_PAGES, projectPath, readProject } from "./pages.ts";

/** As GitHub makes the anchor of a heading. */
function anchorOf(heading: string): string {
  return heading.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-");
}

async function problemOf(page: string, link: string): Promise<string | null> {
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? page : join(dirname(page), path);
  try {
    if (anchor === undefined) {
      await Deno.stat(projectPath(target));
      return null;
    }
    const anchors = headings(await readProject(target)).map(anchorOf);
    return anchors.includes(anchor) ? null : `${page}: no heading for ${link}`;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return `${page}: no file for ${link}`;
    throw error;
  }
}

Deno.test("every link of the pages into the project leads somewhere", async () => {
  const problems: (string | null)[] = [];
  let links = 0;
  for (const page of allPages()) {
    for (const [, link = ""] of (await readProject(page)).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link)) continue;
      links++;
      problems.push(await problemOf(page, link));
    }
  }
  assertEquals(problems.filter((it) => it !== null), []);
  assert(links > 20, `only ${links} links were found`);
});

Deno.test("the pages for operators lead to each other", async () => {
  for (const page of OPERATOR_PAGES) {
    const text = await readProject(page);
    const others = OPERATOR_PAGES.filter((it) => it !== page && text.includes(it.slice(5)));
    assert(others.length > 0, `${page} leads to no other page`);
  }
});
