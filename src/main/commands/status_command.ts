import type { Status, UpstreamStatus } from "../../server/admin/status.ts";
import { AdminClient } from "./admin_client.ts";
import { EXIT } from "./command_error.ts";
import type { CommandCall } from "./command_spec.ts";
import { counted, humanAge, humanRate, humanShare, humanSize, humanSpan } from "./human.ts";
import { type Cell, printFacts, printTable } from "./table.ts";
import { plain, type Terminal } from "./terminal.ts";

/** Problems that are shown; all of them are in the JSON. */
const MAX_PROBLEMS = 5;

/** Tells how the running proxy is. Exit code 1 when it cannot do its work. */
export async function run(call: CommandCall): Promise<number> {
  const { terminal } = call;
  const keys = ["requests", "bytes", "cache", "downloads", "upstreams", "problemsSeen"] as const;
  const request = { method: "GET", target: "/status" } as const;
  const status = await AdminClient.of(call).json<Status>(request, keys);
  if (call.json) terminal.write(`${JSON.stringify(status, null, 2)}\n`);
  else printStatus(terminal, status);
  return status.ready ? EXIT.well : EXIT.failed;
}

function printStatus(terminal: Terminal, status: Status): void {
  const now = Date.parse(status.now);
  const { requests, bytes, cache } = status;
  const state = status.ready
    ? terminal.styled(status.offline ? "ready, offline" : "ready", "green")
    : terminal.styled("not ready", "red");
  const up = humanSpan(now - Date.parse(status.startedAt));
  const name = plain(`cache-proxy ${status.version} on ${status.listen}`);
  terminal.write(`${name}: ${state}, up for ${up}\n`);
  for (const problem of status.problems) terminal.print(`  ${problem}`);
  terminal.write("\n");
  const limit = cache.maxBytes === null ? "" : ` of ${humanSize(cache.maxBytes)}`;
  const free = cache.freeBytes === null ? "" : `, ${humanSize(cache.freeBytes)} free on the disk`;
  printFacts(terminal, [
    [
      "Requests",
      `${requests.total.toLocaleString("en")}${resultsOf(requests)}`,
    ],
    [
      "Hit ratio",
      `${humanShare(requests.hitRatio)} of requests, ${humanShare(requests.byteHitRatio)} of bytes`,
    ],
    ["To clients", `${humanSize(bytes.toClients)}, ${humanSize(bytes.saved)} of it saved`],
    [
      "From mirrors",
      `${humanSize(bytes.fromUpstreams)}, ${humanSize(bytes.wasted)} of it lost in races`,
    ],
    ["Cache", `${humanSize(cache.bytes)}${limit} in ${counted(cache.entries, "file")}${free}`],
  ]);
  printDownloads(terminal, status);
  terminal.write("\n");
  printUpstreams(terminal, status.upstreams, now);
  printProblems(terminal, status, now);
}

function resultsOf({ byResult }: Status["requests"]): string {
  const parts = Object.entries(byResult).filter(([, count]) => count > 0)
    .map(([result, count]) => `${count.toLocaleString("en")} ${result.toLowerCase()}`);
  return parts.length === 0 ? "" : ` (${parts.join(", ")})`;
}

function printDownloads(terminal: Terminal, { downloads }: Status): void {
  if (downloads.length === 0) return;
  terminal.write("\n");
  const columns = [
    { title: "DOWNLOAD" },
    { title: "DONE", align: "right" },
    { title: "SIZE", align: "right" },
    { title: "CLIENTS", align: "right" },
    { title: "FROM" },
  ] as const;
  printTable(
    terminal,
    columns,
    downloads.map(({ path, size, written, joiners, contestants }) => [
      path,
      size === null || size === 0 ? humanSize(written) : humanShare(written / size),
      size === null ? "-" : humanSize(size),
      String(joiners),
      contestants.filter(({ state }) => state === "receiving" || state === "won")
        .map(({ upstream, bytesPerSecond }) => `${upstream} ${humanRate(bytesPerSecond)}`)
        .join(", ") || "asking",
    ]),
  );
}

function printUpstreams(
  terminal: Terminal,
  upstreams: readonly UpstreamStatus[],
  now: number,
): void {
  const columns = [
    { title: "MIRROR" },
    { title: "STATE" },
    { title: "ASKED", align: "right" },
    { title: "WON", align: "right" },
    { title: "FAILED", align: "right" },
    { title: "HEAD", align: "right" },
    { title: "RATE", align: "right" },
    { title: "RECEIVED", align: "right" },
    { title: "LAST FAILURE" },
  ] as const;
  printTable(
    terminal,
    columns,
    upstreams.map((it) => [
      it.name,
      stateOf(it),
      it.asked.toLocaleString("en"),
      it.won.toLocaleString("en"),
      Object.values(it.failed).reduce((sum, count) => sum + count, 0).toLocaleString("en"),
      it.headMs === null ? "-" : `${it.headMs} ms`,
      humanRate(it.bytesPerSecond),
      humanSize(it.bytesReceived),
      it.lastFailure === null
        ? ""
        : `${humanAge(now - Date.parse(it.lastFailure.at))}: ${it.lastFailure.reason}`,
    ]),
  );
}

function stateOf({ state, leftOut }: UpstreamStatus): Cell {
  if (leftOut) return { text: "left out", style: "red" };
  return state === "closed"
    ? { text: "good", style: "green" }
    : { text: "on trial", style: "yellow" };
}

function printProblems(terminal: Terminal, { problemsSeen }: Status, now: number): void {
  if (problemsSeen.length === 0) return;
  terminal.write(`\n${terminal.styled("Last problems", "bold")}\n`);
  for (const { at, message, advice } of problemsSeen.slice(0, MAX_PROBLEMS)) {
    terminal.print(`  ${humanAge(now - Date.parse(at))}: ${message}`);
    if (advice !== null) terminal.print(`    ${advice}`);
  }
  const more = problemsSeen.length - MAX_PROBLEMS;
  if (more > 0) terminal.print(`  and ${more} more; --json has them`);
}
