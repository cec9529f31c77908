import { type Imported, importFiles } from "../../storage/import_files.ts";
import { EXIT } from "./command_error.ts";
import type { CommandCall } from "./command_spec.ts";
import { configOf } from "./config_of.ts";
import { counted, humanSize } from "./human.ts";
import { ProgressBars } from "./progress_bars.ts";

/** How often it is told how far it is, in milliseconds. */
const TELL_EVERY_MS = 250;

/** What came of all files. */
interface Summary {
  linked: number;
  copied: number;
  there: number;
  failed: number;
  /** Of the files that were brought in. */
  bytes: number;
}

/** Brings the files of a folder into the data directory. Exit code 1 when one could not be. */
export async function run(call: CommandCall): Promise<number> {
  const { terminal, json } = call;
  const [from = ""] = call.arguments;
  const { path: to } = configOf(call).config.storage;
  const bars = terminal.isInteractive && !json ? new ProgressBars(terminal) : null;
  const summary: Summary = { linked: 0, copied: 0, there: 0, failed: 0, bytes: 0 };
  let toldAt = performance.now();
  const options = {
    ...{ from, to },
    replace: call.flags["replace"] === true,
    copy: call.flags["copy"] === true,
  };
  for await (const file of importFiles(options)) {
    count(file, summary);
    if (json) terminal.write(`${JSON.stringify({ event: "file", ...file })}\n`);
    else if (file.outcome === "failed") {
      bars?.clear();
      terminal.complain(`Left out ${file.path}: ${file.reason}`);
    }
    if (bars === null || performance.now() - toldAt < TELL_EVERY_MS) continue;
    toldAt = performance.now();
    bars.draw([], [], described(summary, to));
  }
  bars?.clear();
  if (json) terminal.write(`${JSON.stringify({ event: "done", ...summary })}\n`);
  else terminal.print(described(summary, to));
  return summary.failed === 0 ? EXIT.well : EXIT.failed;
}

function count({ outcome, size }: Imported, summary: Summary): void {
  summary[outcome]++;
  if (outcome === "linked" || outcome === "copied") summary.bytes += size;
}

function described({ linked, copied, there, failed, bytes }: Summary, to: string): string {
  const parts = [
    `${counted(linked + copied, "file")} in ${to}, ${
      humanSize(bytes)
    } (${linked} linked, ${copied} copied)`,
    ...there === 0 ? [] : [`${there} were there`],
    ...failed === 0 ? [] : [`${failed} left out`],
  ];
  return parts.join("; ");
}
