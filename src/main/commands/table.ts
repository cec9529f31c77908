import { plain, type Style, type Terminal } from "./terminal.ts";

/** A column of a table. */
export interface Column {
  readonly title: string;
  /** Numbers stand at the right. */
  readonly align?: "right";
}

/** What stands in a place: a text, or one that stands out. */
export type Cell = string | { readonly text: string; readonly style: Style };

/** Writes rows below each other, columns aligned, with a head. */
export function printTable(
  terminal: Terminal,
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
): void {
  const head = columns.map(({ title }): Cell => ({ text: title, style: "bold" }));
  const all = [head, ...rows];
  const widths = columns.map((_, at) => Math.max(...all.map((row) => textOf(row[at]).length)));
  for (const row of all) {
    const cells = columns.map(({ align }, at) => {
      const cell = row[at] ?? "";
      const gap = " ".repeat((widths[at] ?? 0) - textOf(cell).length);
      const shown = typeof cell === "string"
        ? textOf(cell)
        : terminal.styled(textOf(cell), cell.style);
      return align === "right" ? gap + shown : shown + gap;
    });
    terminal.write(`${cells.join("  ").trimEnd()}\n`);
  }
}

/** Lines of a name and a value each, values below each other. */
export function printFacts(
  terminal: Terminal,
  facts: readonly (readonly [name: string, value: string])[],
): void {
  const width = Math.max(...facts.map(([name]) => name.length));
  for (const [name, value] of facts) {
    const gap = " ".repeat(width - name.length);
    terminal.write(`${terminal.styled(plain(name), "dim")}${gap}  ${plain(value)}\n`);
  }
}

function textOf(cell: Cell | undefined): string {
  const text = typeof cell === "object" ? cell.text : cell ?? "";
  return plain(text).replaceAll("\n", "?");
}
