import { fromFileUrl } from "@std/path";

/** The pages that operators read and that these tests hold to the code. */
export const OPERATOR_PAGES = [
  "docs/monitoring.md",
  "docs/service.md",
  "docs/nginx.md",
  "docs/forward-proxy.md",
  "docs/troubleshooting.md",
] as const;

/** A block of code in a page. */
export interface CodeBlock {
  /** As behind the fence: `yaml`, `sh`, …; empty without one. */
  readonly language: string;
  readonly text: string;
}

/** The absolute path of a file of the project. */
export function projectPath(path: string): string {
  return fromFileUrl(new URL(`../../${path}`, import.meta.url));
}

/** The text of a file of the project. */
export function readProject(path: string): Promise<string> {
  return Deno.readTextFile(projectPath(path));
}

/** The paths of all pages: those in docs/ and docs/clients/, and the README. */
export function allPages(): string[] {
  return ["README.md", ...pagesIn("docs"), ...clientPages()];
}

/** The paths of the pages for users of one kind of packages each. */
export function clientPages(): string[] {
  return pagesIn("docs/clients");
}

function pagesIn(folder: string): string[] {
  const names = [...Deno.readDirSync(projectPath(folder))].map(({ name }) => name);
  return names.filter((name) => name.endsWith(".md")).map((name) => `${folder}/${name}`);
}

/** The fenced blocks, those in lists without what they are set in by. */
export function codeBlocks(page: string): CodeBlock[] {
  return [...page.matchAll(/^( *)```(\w*)\n([\s\S]*?)^\1```$/gm)].map(
    ([, indent = "", language = "", text = ""]) => ({
      language,
      text: text.split("\n").map((line) =>
        line.startsWith(indent) ? line.slice(indent.length) : line
      )
        .join("\n"),
    }),
  );
}

/** What stands between backticks in the prose; a span may go over the end of a line. */
export function codeSpans(page: string): string[] {
  const prose = page.replaceAll(/^( *)```\w*\n[\s\S]*?^\1```$/gm, "");
  return [...prose.matchAll(/(`+)(.+?)\1/gs)].map(([, , text = ""]) =>
    text.replaceAll(/\s+/g, " ")
  );
}

/** The headings of all levels, without their marks. */
export function headings(page: string): string[] {
  const prose = page.replaceAll(/^( *)```\w*\n[\s\S]*?^\1```$/gm, "");
  return [...prose.matchAll(/^#+ (.+)$/gm)].map(([, text = ""]) => text);
}

/** The first cells of the rows of each table whose first column has this heading. */
export function firstColumn(page: string, heading: string): string[] {
  const tables = page.matchAll(/^\|(.*)\|\n\|[-| ]+\|\n((?:\|.*\|\n?)+)/gm);
  return [...tables].flatMap(([, head = "", rows = ""]) =>
    cellsOf(head)[0] === heading
      ? rows.trim().split("\n").map((row) => cellsOf(row.replace(/^\|/, ""))[0] ?? "")
      : []
  );
}

function cellsOf(row: string): string[] {
  return row.split("|").map((cell) => cell.trim());
}
