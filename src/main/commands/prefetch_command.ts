import type { PrefetchProgress, PrefetchSummary } from "../../server/admin/prefetch.ts";
import { AdminClient } from "./admin_client.ts";
import { clientPath } from "./client_path.ts";
import { CommandError, EXIT } from "./command_error.ts";
import { type CommandCall, flagText } from "./command_spec.ts";
import { counted, humanShare, humanSize } from "./human.ts";
import { type Bar, ProgressBars } from "./progress_bars.ts";
import { plain, type Terminal } from "./terminal.ts";

/** Paths of one request: what the proxy takes, in number and in bytes. */
const MAX_PATHS = 10_000;
const MAX_BYTES = 900_000;

/** A longer list is no list of paths. */
const MAX_LIST_BYTES = 256 * 1024 * 1024;

/** Fetches paths into the cache. Exit code 1 when one failed. */
export async function run(call: CommandCall): Promise<number> {
  const paths = [...new Set([...call.arguments, ...await listed(flagText(call, "file"))])];
  if (paths.length === 0) {
    throw new CommandError("Cannot prefetch: give paths, or a list of them by -f", EXIT.usage);
  }
  paths.forEach((path) => clientPath(path));
  const client = AdminClient.of(call);
  const report = call.json
    ? new JsonReport(call.terminal)
    : call.terminal.isInteractive
    ? new BarReport(call.terminal, paths.length)
    : new LineReport(call.terminal);
  const sum = { stored: 0, unchanged: 0, failed: 0 };
  for (const part of parts(paths)) {
    const summary = await fetchPart(client, part, report);
    sum.stored += summary.stored;
    sum.unchanged += summary.unchanged;
    sum.failed += summary.failed;
  }
  report.end(sum);
  return sum.failed === 0 ? EXIT.well : EXIT.failed;
}

/** Who is told how it goes. */
interface Report {
  progress(progress: PrefetchProgress): void;
  end(summary: PrefetchSummary): void;
}

async function fetchPart(
  client: AdminClient,
  paths: readonly string[],
  report: Report,
): Promise<PrefetchSummary> {
  const request = { method: "POST", target: "/prefetch", body: { paths } } as const;
  for await (const { name, data } of client.events(request)) {
    if (name === "progress") report.progress(data as PrefetchProgress);
    if (name === "done") return data as PrefetchSummary;
  }
  throw new CommandError(
    "The proxy stopped before all was fetched: it is going down, maybe\n" +
      "Run the command again when it is back; what is there will not be fetched twice",
  );
}

async function listed(file: string | null): Promise<string[]> {
  if (file === null) return [];
  const text = await readList(file);
  return text.split(/\r?\n/).map((line) => line.replace(/(?:^|\s)#.*$/, "").trim())
    .filter((line) => line !== "");
}

async function readList(file: string): Promise<string> {
  try {
    if (file === "-") return await new Response(Deno.stdin.readable).text();
    const { size } = await Deno.stat(file);
    if (size > MAX_LIST_BYTES) throw new Error(`it has ${humanSize(size)}`);
    return await Deno.readTextFile(file);
  } catch (error) {
    const why = error instanceof Deno.errors.NotFound
      ? "there is no such file"
      : error instanceof Error
      ? error.message
      : String(error);
    throw new CommandError(`Cannot read list "${file}": ${why}`, EXIT.usage);
  }
}

function* parts(paths: readonly string[]): Generator<readonly string[]> {
  let part: string[] = [];
  let bytes = 0;
  for (const path of paths) {
    const size = new TextEncoder().encode(JSON.stringify(path)).byteLength + 1;
    if (part.length === MAX_PATHS || bytes + size > MAX_BYTES) {
      yield part;
      part = [];
      bytes = 0;
    }
    part.push(path);
    bytes += size;
  }
  if (part.length > 0) yield part;
}

/** A line of JSON for each thing that happens. */
class JsonReport implements Report {
  readonly #terminal: Terminal;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  progress(progress: PrefetchProgress): void {
    this.#terminal.write(`${JSON.stringify({ event: "progress", ...progress })}\n`);
  }

  end(summary: PrefetchSummary): void {
    this.#terminal.write(`${JSON.stringify({ event: "done", ...summary })}\n`);
  }
}

/** A line for each path that is through. */
class LineReport implements Report {
  readonly #terminal: Terminal;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  progress(progress: PrefetchProgress): void {
    if (isOver(progress)) this.#terminal.print(lineOf(progress));
  }

  end(summary: PrefetchSummary): void {
    this.#terminal.print(lineOfSum(summary));
  }
}

/** Bars for what is under way, below the lines of what is through. */
class BarReport implements Report {
  readonly #terminal: Terminal;
  readonly #bars: ProgressBars;
  readonly #running = new Map<string, PrefetchProgress>();
  readonly #total: number;
  #over = 0;

  constructor(terminal: Terminal, total: number) {
    this.#terminal = terminal;
    this.#bars = new ProgressBars(terminal);
    this.#total = total;
  }

  progress(progress: PrefetchProgress): void {
    if (progress.state === "waiting") return;
    const lines: string[] = [];
    if (isOver(progress)) {
      this.#running.delete(progress.path);
      this.#over++;
      const line = lineOf(progress);
      lines.push(progress.state === "failed" ? this.#terminal.styled(line, "red") : line);
    } else {
      this.#running.set(progress.path, progress);
    }
    this.#bars.draw(lines, [...this.#running.values()].map(barOf), this.#foot());
  }

  end(summary: PrefetchSummary): void {
    this.#bars.clear();
    this.#terminal.print(lineOfSum(summary));
  }

  #foot(): string {
    return `${this.#over.toLocaleString("en")} of ${counted(this.#total, "file")}`;
  }
}

function isOver({ state }: PrefetchProgress): boolean {
  return state === "done" || state === "unchanged" || state === "failed";
}

function barOf({ path, written, size, upstream }: PrefetchProgress): Bar {
  const share = size === null ? null : size === 0 ? 1 : written / size;
  const done = share === null
    ? humanSize(written)
    : `${humanShare(share)} of ${humanSize(size ?? 0)}`;
  return { label: path, share, note: upstream === null ? done : `${done} from ${upstream}` };
}

function lineOf({ path, state, written, size, upstream, reason }: PrefetchProgress): string {
  const word = { done: "stored", unchanged: "there", failed: "failed" }[state as "done"];
  const bytes = humanSize(size ?? written).padStart(10);
  const from = upstream === null ? "" : ` from ${upstream}`;
  if (state === "failed") return plain(`${word}  ${path}: ${reason ?? "unknown reason"}`);
  return plain(`${word.padEnd(6)}  ${bytes}  ${path}${from}`);
}

function lineOfSum({ stored, unchanged, failed }: PrefetchSummary): string {
  const parts = [`${counted(stored, "file")} stored`, `${unchanged} there already`];
  return [...parts, ...failed === 0 ? [] : [`${failed} failed`]].join(", ");
}
