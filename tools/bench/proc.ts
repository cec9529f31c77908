/**
 * What Linux tells of processes and processors in /proc: see proc(5).
 *
 * @module
 */

/** Of the times in /proc: USER_HZ, the same on all architectures that matter here. */
const TICKS_PER_SECOND = 100;

/** Fields of /proc/PID/stat, counted from the one behind the name: utime and stime. */
const USER_TICKS = 11;
const SYSTEM_TICKS = 12;

/** Time of the processor that a process has used with all of its threads; 0 when it has gone. */
export function cpuSeconds(pid: number): number {
  const stat = readProc(`${pid}/stat`);
  // The name is in parentheses and may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[USER_TICKS] ?? 0) + Number(fields[SYSTEM_TICKS] ?? 0);
  return ticks / TICKS_PER_SECOND;
}

/** Bytes of a process that are resident; 0 when it has gone. */
export function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readProc(`${pid}/status`))?.[1] ?? 0) * 1024;
}

/** A process, its children, theirs, and so on. */
export function withDescendants(pid: number): number[] {
  const children = readProc(`${pid}/task/${pid}/children`).split(" ").filter((it) => it !== "");
  return [pid, ...children.flatMap((it) => withDescendants(Number(it)))];
}

/** Seconds that all processors together were busy, since the machine began. */
export function busySeconds(): number {
  const [, user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] =
    /^cpu .*$/m.exec(readProc("stat"))?.[0].split(/\s+/).map(Number) ?? [];
  return (user + nice + system + irq + softirq) / TICKS_PER_SECOND;
}

function readProc(path: string): string {
  try {
    return Deno.readTextFileSync(`/proc/${path}`);
  } catch {
    return "";
  }
}
