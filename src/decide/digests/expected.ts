import type { BodyHead } from "../../types.ts";
import { firstValue } from "../fields.ts";
import type { Digest } from "./digest.ts";

/** What is published of a file. */
export interface Expected {
  /** Any of them will do, since lists of different ages need not agree; at least one. */
  readonly digests: readonly Digest[];
  /** Bytes, as the lists say; empty: one of them does not. */
  readonly sizes: readonly number[];
  /** Who says so, in a few words. */
  readonly by: string;
}

/** Digits of a digest that a message shows: enough to find it in a list. */
const SHOWN_DIGITS = 12;

/** Whether a body is what digests are published of: a whole file, as it is. */
export function isCheckable({ status, headers }: BodyHead): boolean {
  return status === 200 && firstValue(headers, "content-encoding") === null;
}

/** What is wrong with a declared length; null: nothing. */
export function wrongSize({ sizes, by }: Expected, size: number | null): string | null {
  if (size === null || sizes.length === 0 || sizes.includes(size)) return null;
  return `${size} bytes, not ${sizes.join(" or ")} as ${by} says`;
}

/** What is wrong with bytes that have another digest. */
export function wrongBytes({ digests, by }: Expected): string {
  const shown = digests.map(({ algorithm, value }) =>
    `${algorithm} ${value.slice(0, SHOWN_DIGITS)}…`
  );
  return `not ${shown.join(" or ")} as ${by} says`;
}

/** Whether two say the same. */
export function isSameExpected(one: Expected, other: Expected): boolean {
  const text = ({ digests }: Expected): string =>
    digests.map(({ algorithm, value }) => `${algorithm} ${value}`).sort().join();
  return text(one) === text(other);
}
