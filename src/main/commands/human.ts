const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Units of time, the largest first. */
const TIME_UNITS: readonly (readonly [ms: number, unit: string])[] = [
  [DAY, "d"],
  [HOUR, "h"],
  [MINUTE, "min"],
  [SECOND, "s"],
];

const SIZE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;

/** Bytes for people: `512 B`, `1.4 MiB`. */
export function humanSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1023.95 && unit < SIZE_UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${SIZE_UNITS[unit]}`;
}

/** Bytes a second for people; null: `-`. */
export function humanRate(bytesPerSecond: number | null): string {
  return bytesPerSecond === null ? "-" : `${humanSize(Math.round(bytesPerSecond))}/s`;
}

/** A span of time for people, in its largest unit or two: `45 s`, `3 h 20 min`, `12 d`. */
export function humanSpan(ms: number): string {
  if (ms < SECOND) return `${Math.max(0, Math.round(ms))} ms`;
  const at = TIME_UNITS.findIndex(([unitMs]) => ms >= unitMs);
  const [unitMs, unit] = TIME_UNITS[at] ?? [SECOND, "s"];
  const count = Math.floor(ms / unitMs);
  const [restMs, restUnit] = TIME_UNITS[at + 1] ?? [SECOND, "s"];
  const rest = Math.floor((ms - count * unitMs) / restMs);
  return rest === 0 || count >= 10 ? `${count} ${unit}` : `${count} ${unit} ${rest} ${restUnit}`;
}

/** How long ago an instant is, in its largest unit: `4 min ago`. */
export function humanAge(ms: number): string {
  if (ms < SECOND) return "just now";
  const [unitMs, unit] = TIME_UNITS.find(([unitMs]) => ms >= unitMs) ?? [SECOND, "s"];
  return `${Math.floor(ms / unitMs)} ${unit} ago`;
}

/** A share of 1 in percent; null: `-`. */
export function humanShare(share: number | null): string {
  return share === null ? "-" : `${(share * 100).toFixed(1)} %`;
}

/** A number with a noun, which is to take an `s` in the plural unless another is given. */
export function counted(count: number, noun: string, nouns = `${noun}s`): string {
  return `${count.toLocaleString("en")} ${count === 1 ? noun : nouns}`;
}
