import type { Config } from "../../config/config.ts";
import { type Candidate, candidateGroups } from "../../decide/candidates.ts";
import { systemClock } from "../system_clock.ts";
import { trustSystemCertificates } from "../trusted_certificates.ts";
import { clientPath } from "./client_path.ts";
import { CommandError, EXIT } from "./command_error.ts";
import { type CommandCall, flagText } from "./command_spec.ts";
import { configOf } from "./config_of.ts";
import { humanRate, humanSize } from "./human.ts";
import { MirrorProbe, type Probed } from "./probe_mirror.ts";
import { type Cell, printTable } from "./table.ts";

/** Mirrors whose heads are asked for at once. */
const AT_ONCE = 16;

/** A mirror, and what it has answered. */
interface Row extends Probed {
  readonly name: string;
  readonly url: string;
}

/** Asks each mirror now. Exit code 1 when one did not answer as it should. */
export async function run(call: CommandCall): Promise<number> {
  const path = flagText(call, "path");
  const { config } = configOf(call);
  const trust = trustSystemCertificates();
  if (trust !== null) call.terminal.complain(`Only Mozilla's authorities are trusted: ${trust}`);
  const candidates = candidatesFor(config, path);
  if (candidates.length === 0) {
    throw new CommandError(
      `No mirror would be asked for ${path}: no path.match fits\n` +
        `"cache-proxy check --path ${path}" tells what the configuration means for it`,
    );
  }
  const options = {
    userAgent: `cache-proxy/${call.version}`,
    via: "1.1 cache-proxy",
    headTimeoutMs: config.fetch.headTimeoutMs,
    clock: systemClock,
  };
  const judged = path === null ? null : clientPath(path).path;
  const probes = candidates.map((candidate) => new MirrorProbe(candidate, options, judged));
  const rows = await probeAll(probes);
  probes.forEach((probe) => probe[Symbol.dispose]());
  if (call.json) call.terminal.write(`${JSON.stringify({ path, mirrors: rows }, null, 2)}\n`);
  else printRows(call, rows);
  return rows.every(({ good }) => good) ? EXIT.well : EXIT.failed;
}

/** In the order in which they are preferred; without a path, all as they stand in the file. */
function candidatesFor({ upstreams }: Config, path: string | null): readonly Candidate[] {
  if (path !== null) return candidateGroups(clientPath(path), upstreams).flat();
  return upstreams.map((upstream) => ({ upstream, url: `${upstream.server}/` }));
}

/** Heads at once, bodies one after the other: they would share the line. */
async function probeAll(probes: readonly MirrorProbe[]): Promise<Row[]> {
  const heads: Probed[] = [];
  for (let at = 0; at < probes.length; at += AT_ONCE) {
    const part = probes.slice(at, at + AT_ONCE);
    heads.push(...await Promise.all(part.map((probe) => probe.head())));
  }
  const rows: Row[] = [];
  for (const [at, probe] of probes.entries()) {
    const head = heads[at];
    if (head === undefined) continue;
    const { upstream: { name }, url } = probe.candidate;
    const rate = head.good ? await probe.rate() : {};
    rows.push({ name, url, ...head, ...rate });
  }
  return rows;
}

function printRows({ terminal }: CommandCall, rows: readonly Row[]): void {
  const columns = [
    { title: "MIRROR" },
    { title: "STATE" },
    { title: "STATUS", align: "right" },
    { title: "HEAD", align: "right" },
    { title: "RATE", align: "right" },
    { title: "READ", align: "right" },
    { title: "URL" },
  ] as const;
  printTable(
    terminal,
    columns,
    rows.map((row): Cell[] => [
      row.name,
      row.good ? { text: "good", style: "green" } : { text: "bad", style: "red" },
      row.status === null ? "-" : String(row.status),
      row.headMs === null ? "-" : `${row.headMs} ms`,
      humanRate(row.bytesPerSecond),
      row.bytes === 0 ? "-" : humanSize(row.bytes),
      row.url,
    ]),
  );
  for (const { name, reason } of rows) {
    if (reason !== null) terminal.print(`${name}: ${reason}`);
  }
}
