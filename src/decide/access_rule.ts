import type { AccessRule } from "../types.ts";

/** The rule for a canonical path: the first that matches; null without one, and the path is allowed. */
export function accessRuleFor(path: string, rules: readonly AccessRule[]): AccessRule | null {
  return rules.find(({ match }) => match.test(path)) ?? null;
}
