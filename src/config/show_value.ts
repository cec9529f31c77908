/** Longer strings of the config file are cut in messages. */
const MAX_SHOWN_CHARS = 60;

/**
 * A value of the config file as a message shows it: JSON, shortened. Of mappings and lists only the
 * kind is named, since there may be secrets inside.
 */
export function showValue(value: unknown): string {
  if (typeof value === "string") return showString(value);
  if (Array.isArray(value)) return "a list";
  if (value instanceof Date) return "a date";
  if (typeof value === "object" && value !== null) return "a mapping";
  return String(value);
}

function showString(text: string): string {
  return JSON.stringify(
    text.length > MAX_SHOWN_CHARS ? `${text.slice(0, MAX_SHOWN_CHARS)}…` : text,
  );
}
