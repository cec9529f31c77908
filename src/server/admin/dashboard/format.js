// @ts-check

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** Between a number and its unit: they stay in one line. */
const GAP = "\u00a0";

/** Stands where there is nothing to tell. */
export const NOTHING = "–";

/**
 * A number of things.
 *
 * @param {number} value
 * @returns {string}
 */
export function count(value) {
  return WHOLE.format(value);
}

/**
 * Three digits that count, as "1.24", "12.4" and "124".
 *
 * @param {number} value Not negative.
 * @returns {string}
 */
export function digits(value) {
  if (value === 0) return "0";
  if (value < 9.995) return value.toFixed(2);
  return value < 99.95 ? value.toFixed(1) : WHOLE.format(value);
}

/**
 * A number of bytes.
 *
 * @param {number | null} value
 * @returns {string}
 */
export function bytes(value) {
  if (value === null) return NOTHING;
  let unit = 0;
  let scaled = value;
  // 999.5 would be written as 1,000.
  while (scaled >= 999.5 && unit < UNITS.length - 1) {
    scaled /= 1024;
    unit++;
  }
  return `${unit === 0 ? Math.round(scaled) : digits(scaled)}${GAP}${UNITS[unit]}`;
}

/**
 * Bytes in a second.
 *
 * @param {number | null} value
 * @returns {string}
 */
export function rate(value) {
  return value === null ? NOTHING : `${bytes(value)}/s`;
}

/**
 * A share as per cent.
 *
 * @param {number | null} share 0 to 1.
 * @returns {string}
 */
export function percent(share) {
  if (share === null) return NOTHING;
  // Not all is not 100.
  const value = share < 1 ? Math.min(share * 100, 99.9) : 100;
  return `${value === 100 || value === 0 ? value : value.toFixed(1)}${GAP}%`;
}

/**
 * A latency.
 *
 * @param {number | null} ms
 * @returns {string}
 */
export function milliseconds(ms) {
  if (ms === null) return NOTHING;
  return ms < 1000 ? `${Math.round(ms)}${GAP}ms` : `${digits(ms / 1000)}${GAP}s`;
}

/**
 * A span of time in its largest unit, as "42 s", "5 min", "3 h", "12 d".
 *
 * @param {number} seconds
 * @returns {string}
 */
export function span(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole}${GAP}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}${GAP}min`;
  if (whole < 2 * 86_400) return `${Math.floor(whole / 3600)}${GAP}h`;
  return `${count(Math.floor(whole / 86_400))}${GAP}d`;
}

/**
 * How long ago an instant was.
 *
 * @param {string} at ISO 8601.
 * @param {number} now Milliseconds since the epoch.
 * @returns {string}
 */
export function ago(at, now) {
  const seconds = (now - Date.parse(at)) / 1000;
  return seconds < 5 ? "just now" : `${span(seconds)} ago`;
}

/**
 * An instant for people, in their own time zone.
 *
 * @param {string} at ISO 8601.
 * @returns {string}
 */
export function instant(at) {
  return new Date(at).toLocaleString();
}

/**
 * One thing or several.
 *
 * @param {number} value
 * @param {string} one
 * @param {string} several
 * @returns {string}
 */
export function counted(value, one, several) {
  return `${count(value)} ${value === 1 ? one : several}`;
}
