import type { Target } from "../../types.ts";

/** A scoped package's own document; what lies below it has more segments. */
const SCOPED = /\/((?:@|%40)[^/%]+)\/([^/]+)$/i;

/**
 * Asks for a scoped package in the one spelling that every registry takes (`/@scope%2fname`),
 * whichever of the two the client has used. The key is the same for both.
 */
export function npmSpelling(target: Target): Target {
  const rawPath = target.rawPath.replace(SCOPED, "/$1%2f$2");
  return rawPath === target.rawPath ? target : { ...target, rawPath };
}
