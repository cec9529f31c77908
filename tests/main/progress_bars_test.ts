import { assertEquals } from "@std/assert";
import { ProgressBars } from "../../src/main/commands/progress_bars.ts";
import type { Terminal } from "../../src/main/commands/terminal.ts";

/** A terminal that understands what the bars need: lines, one up, erase below. */
class Screen implements Terminal {
  readonly isInteractive = true;
  readonly columns = 60;
  lines: string[] = [""];

  write(text: string): void {
    // deno-lint-ignore no-control-regex
    for (const part of text.split(/(\x1b\[\d*[AJ]|\r|\n)/)) {
      // deno-lint-ignore no-control-regex
      const up = /^\x1b\[(\d+)A$/.exec(part)?.[1];
      if (up !== undefined) this.lines = this.lines.slice(0, this.lines.length - Number(up));
      else if (part === "\n") this.lines.push("");
      else if (part === "\x1b[J") this.lines[this.lines.length - 1] = "";
      else if (part !== "\r") {
        this.lines[this.lines.length - 1] = this.lines.at(-1) + part;
      }
    }
  }

  print(text: string): void {
    this.write(`${text}\n`);
  }

  complain(): void {}

  styled(text: string): string {
    return text;
  }
}

Deno.test("bars are drawn in their place again, lines stay above them", () => {
  const screen = new Screen();
  const bars = new ProgressBars(screen);
  const half = { label: "/a", share: 0.5, note: "1 of 2" };
  bars.draw([], [half, { label: "/b", share: null, note: "?" }], "0 of 2 files");
  assertEquals(screen.lines.length, 4);
  bars.draw(["stored /a"], [{ label: "/b", share: 1, note: "done" }], "1 of 2 files");
  assertEquals(screen.lines, [
    "stored /a",
    `████████████████████  ${"/b".padEnd(31)}  done`,
    "1 of 2 files",
    "",
  ]);
  bars.clear();
  screen.print("all is done");
  assertEquals(screen.lines, ["stored /a", "all is done", ""]);
});

Deno.test("no line of bars is longer than the terminal, and no control character gets through", () => {
  const screen = new Screen();
  const label = `/${"long/".repeat(40)}end\x1b[2J`;
  new ProgressBars(screen).draw([], [{ label, share: 0.25, note: "10 MiB of 40 MiB" }], "");
  const [line = ""] = screen.lines;
  assertEquals([line.length < screen.columns, line.includes("…")], [true, true]);
  assertEquals(line.startsWith("█████░░░░░░░░░░░░░░░  …"), true, line);
  assertEquals(line.includes("end?[2J  10 MiB"), true, line);
});

Deno.test("of many bars some are shown, and how many more there are", () => {
  const screen = new Screen();
  const all = Array.from({ length: 11 }, (_, at) => ({ label: `/${at}`, share: 0, note: "" }));
  new ProgressBars(screen).draw([], all, "");
  assertEquals([screen.lines.length, screen.lines[8]], [10, "and 3 more"]);
});
