import { KnownDigests } from "../../cache/known_digests.ts";
import { DigestIndex } from "../../storage/digest_index.ts";
import type { Entry } from "../../types.ts";
import { systemClock } from "../system_clock.ts";
import type { ServerEvent } from "../../server/admin/event_stream.ts";
import {
  type ShownWrong,
  verifyEvents,
  type VerifyProgress,
  type VerifySummary,
} from "../../server/admin/verify_events.ts";
import { AdminClient, UnreachableError } from "./admin_client.ts";
import { clientPrefix } from "./client_path.ts";
import { CommandError, EXIT } from "./command_error.ts";
import { type CommandCall, flagText } from "./command_spec.ts";
import { configOf } from "./config_of.ts";
import { counted, humanShare, humanSize } from "./human.ts";
import { openStorage } from "./open_storage.ts";
import { ProgressBars } from "./progress_bars.ts";

/** Compares the files with the index. Exit code 1 when one is wrong, thrown out or not. */
export async function run(call: CommandCall): Promise<number> {
  const prefix = clientPrefix(flagText(call, "prefix") ?? "/");
  const repair = call.flags["repair"] === true;
  const bars = call.terminal.isInteractive && !call.json ? new ProgressBars(call.terminal) : null;
  let summary: VerifySummary | null = null;
  try {
    for await (const { name, data } of eventsOf(call, prefix, repair)) {
      if (name === "done") summary = data as VerifySummary;
      else tell(call, bars, name, data);
    }
  } finally {
    bars?.clear();
  }
  if (summary === null || !summary.complete) {
    throw new CommandError("Verifying ended early: the proxy is going down, maybe\nRun it again");
  }
  const { wrong } = summary;
  if (call.json) call.terminal.write(`${JSON.stringify({ event: "done", ...summary })}\n`);
  else call.terminal.print(described(summary));
  return wrong === 0 ? EXIT.well : EXIT.failed;
}

/** The running proxy has the index for itself: it does it. Without one, we do. */
async function* eventsOf(
  call: CommandCall,
  prefix: string,
  repair: boolean,
): AsyncGenerator<ServerEvent, void> {
  const query = new URLSearchParams({ prefix, repair: repair ? "1" : "0" });
  try {
    yield* AdminClient.of(call).events({ method: "POST", target: `/verify?${query}` });
  } catch (error) {
    const isNamed = flagText(call, "admin") !== null;
    if (!(error instanceof UnreachableError) || isNamed) throw error;
    yield* ownEvents(call, prefix, repair);
  }
}

async function* ownEvents(
  call: CommandCall,
  prefix: string,
  repair: boolean,
): AsyncGenerator<ServerEvent, void> {
  const { config } = configOf(call);
  const storage = await openStorage(config);
  if (storage === null) {
    const { path } = config.storage;
    throw new CommandError(`Cannot verify "${path}": no proxy has run with this data directory`);
  }
  const digests = new KnownDigests({
    storage,
    clock: systemClock,
    openIndex: () => DigestIndex.open(storage.digestsFile),
    filler: null,
    // What is wrong is told, and thrown out only when that is wanted.
    onWrong: null,
  }, {
    digests: config.cache.digests,
    policies: config.cache.policies,
    upstreams: config.upstreams,
  });
  try {
    const total = prefix === "/" ? storage.usage().entries : null;
    const { signal } = new AbortController();
    await digests.settled();
    const digestsOf = (entry: Entry) => digests.digestsOf(entry);
    yield* verifyEvents(storage, { prefix, repair, signal, digestsOf }, total);
  } finally {
    await digests.stop();
    storage.close();
  }
}

function tell(
  { json, terminal }: CommandCall,
  bars: ProgressBars | null,
  name: string,
  data: unknown,
): void {
  if (json) return terminal.write(`${JSON.stringify({ event: name, ...data as object })}\n`);
  if (name === "wrong") {
    const { path, problem, repaired } = data as ShownWrong;
    bars?.clear();
    return terminal.print(`${path} ${problem}${repaired ? "; thrown out" : ""}`);
  }
  const { checked, total, bytes } = data as VerifyProgress;
  const share = total === null || total === 0 ? null : Math.min(1, checked / total);
  const note = share === null ? counted(checked, "file") : humanShare(share);
  bars?.draw([], [{ label: `${humanSize(bytes)} read`, share, note }], "");
}

function described({ checked, hashed, wrong, repaired, bytes }: VerifySummary): string {
  const done = `${counted(checked, "file")} checked, ${humanSize(bytes)} read`;
  const compared = hashed === 0
    ? "compared by size"
    : `compared by size, ${hashed.toLocaleString("en")} by digest as well`;
  if (wrong === 0) return `${done}: all are right (${compared})`;
  const out = repaired === wrong
    ? "all of them thrown out"
    : repaired === 0
    ? "--repair throws them out"
    : `${repaired} of them thrown out`;
  return `${done}: ${wrong.toLocaleString("en")} wrong, ${out} (${compared})`;
}
