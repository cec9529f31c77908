/**
 * Freezes a tree of plain data, and gives it back. What a Map in it holds is protected by the
 * map's type alone.
 */
export function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}
