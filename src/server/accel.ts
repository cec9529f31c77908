import type { RequestFields } from "./client_request.ts";

/** How a front server asks for a file's location in place of its bytes. */
export interface Accel {
  /** Request header, lower case; its value is the front server's internal location. */
  readonly enableByHeader: string;
  readonly respondWithHeaders: readonly string[];
}

/**
 * The headers that hand a file over to the front server; null when it did not ask. Front servers
 * decode the location, so every segment of the relative path is percent-encoded.
 */
export function accelHeaders(
  accel: Accel,
  request: RequestFields,
  file: string,
): [string, string][] | null {
  const location = request.get(accel.enableByHeader);
  if (location === null || location === "") return null;
  const path = file.split("/").map(encodeURIComponent).join("/");
  const value = `${location.replace(/\/+$/, "")}/${path}`;
  return accel.respondWithHeaders.map((name) => [name, value]);
}
