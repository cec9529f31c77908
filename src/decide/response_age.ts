import type { Entry, Instant } from "../types.ts";
import { parseDeltaSeconds } from "./cache_control.ts";
import { dateField } from "./date_field.ts";
import { firstValue } from "./fields.ts";

/**
 * How long ago the origin generated or vouched for a stored response, in milliseconds, never
 * negative ([RFC 9111 section 4.2.3](https://www.rfc-editor.org/rfc/rfc9111#section-4.2.3)).
 */
export function currentAgeMs(
  stored: Pick<Entry, "headers" | "requestedAt" | "validatedAt">,
  now: Instant,
): number {
  const { headers, requestedAt, validatedAt } = stored;
  const date = dateField(headers, "date", validatedAt);
  // RFC 9110 section 6.6.1: without a date a response is from when it came.
  const apparentAge = typeof date === "number" ? Math.max(0, validatedAt - date) : 0;
  // Clocks are set back between a request and its answer as well.
  const responseDelay = Math.max(0, validatedAt - requestedAt);
  const correctedAge = ageValueMs(firstValue(headers, "age")) + responseDelay;
  const residentTime = Math.max(0, now - validatedAt);
  return Math.max(apparentAge, correctedAge) + residentTime;
}

/** RFC 9111 section 5.1: of a list the first member counts; what is no time is ignored. */
function ageValueMs(field: string | null): number {
  const [first = ""] = field?.split(",", 1) ?? [];
  return (parseDeltaSeconds(first.trim()) ?? 0) * 1000;
}
