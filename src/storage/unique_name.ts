/** A name of its own by a pattern: its last `*`, or else its end, becomes something unique. */
export function uniqueName(pattern: string): string {
  const star = pattern.lastIndexOf("*");
  const at = star < 0 ? pattern.length : star;
  return pattern.slice(0, at) + crypto.randomUUID() + pattern.slice(at + 1);
}
