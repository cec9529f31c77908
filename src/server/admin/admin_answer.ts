/** What every answer of the admin listener has: nothing is kept, guessed, framed or sent on. */
export const STRICT_HEADERS: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "content-security-policy":
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

/** An answer of the admin listener. */
export function adminAnswer(
  status: number,
  contentType: string,
  body: string,
  extra: Readonly<Record<string, string>> = {},
): Response {
  const headers = { ...STRICT_HEADERS, "content-type": contentType, ...extra };
  return new Response(body, { status, headers });
}

/** The same, as JSON for people and programs. */
export function jsonAnswer(
  status: number,
  value: unknown,
  extra: Readonly<Record<string, string>> = {},
): Response {
  return adminAnswer(status, "application/json", JSON.stringify(value, null, 2) + "\n", extra);
}

/** Says what is wrong. */
export function errorAnswer(
  status: number,
  error: string,
  extra: Readonly<Record<string, string>> = {},
): Response {
  return jsonAnswer(status, { error }, extra);
}
