import type { PartialFile } from "../storage/storage.ts";
import { FileBranch, type ForkEnd } from "./file_branch.ts";
import { GatedSource } from "./gated_source.ts";
import { LeadBranch, type LeadStream } from "./lead_branch.ts";
import type { PieceBuffers } from "./piece_buffers.ts";
import type { ProgressSignal } from "./progress_signal.ts";
import type { Body } from "./resumable_body.ts";

/** A forked body. */
export interface Fork {
  /** The branch of the client that leads; null when none was wanted. */
  readonly lead: LeadStream | null;
  /** Never rejects. */
  readonly written: Promise<ForkEnd>;
  /** Resolves when the upstream's body has been read to its end or given up; never rejects. */
  readonly drained: Promise<void>;
}

/** How to fork. */
export interface ForkOptions {
  readonly wantsLead: boolean;
  /** Largest single write, in bytes. */
  readonly batchBytes: number;
  /** What each branch gives its pieces back to. */
  readonly buffers: PieceBuffers | null;
  /** Opens the growing file for the leading client at its own offset, once it lags. */
  readonly follow: (offset: number) => Promise<ReadableStream<Uint8Array>>;
}

/**
 * Forks an upstream's body to the file and to the client that leads.
 *
 * `tee()` alone queues without a bound for its slower branch. So the source that is teed has a
 * gate: it gives nothing while the file lags too far behind (`gated_source.ts`), and a lead that
 * lags too far has its branch cancelled and reads on from the growing file (`lead_branch.ts`).
 * Memory is bounded by the two, whatever the disk and the client do.
 */
export function fork(
  source: Body,
  file: PartialFile,
  progress: ProgressSignal,
  options: ForkOptions,
): Fork {
  const gated = new GatedSource(source, options.wantsLead);
  const { drained } = gated;
  if (!options.wantsLead) {
    const branch = new FileBranch(gated.stream, gated, file, progress, options, null);
    return { lead: null, written: branch.run(), drained };
  }
  const [forLead, forFile] = gated.stream.tee();
  const lead = new LeadBranch(forLead, options);
  gated.pace = (pulled) => lead.keepUp(pulled);
  const branch = new FileBranch(forFile, gated, file, progress, options, lead);
  return { lead: lead.stream, written: branch.run(), drained };
}
