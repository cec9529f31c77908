import { cpus } from "node:os";

/** What figures depend on. */
export interface Machine {
  readonly cores: number;
  readonly processor: string;
  readonly kernel: string;
  /** Bytes. */
  readonly memory: number;
  /** The load of the last minute before the work: what else went on. */
  readonly load: number;
}

/** The machine, as it is now. */
export function thisMachine(): Machine {
  return {
    cores: navigator.hardwareConcurrency,
    processor: cpus()[0]?.model ?? "?",
    kernel: Deno.osRelease(),
    memory: Deno.systemMemoryInfo().total,
    load: Deno.loadavg()[0] ?? 0,
  };
}
