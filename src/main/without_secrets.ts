/** What must not leave this machine, and what stands in its place. */
const RULES: readonly (readonly [secret: RegExp, replacement: string])[] = [
  // The name and password of a URL.
  [/(\/\/)[^\s/@]+@/g, "$1***@"],
  // Queries: signatures and tokens. They go as far as a URL in a text can.
  [/\?[^\s"'`<>)\]}]+/g, "?***"],
  [/\b(Bearer|Basic|Digest|Negotiate)\s+[^\s"',]+/gi, "$1 ***"],
  // A header field or a setting by its name.
  [
    /\b((?:proxy-)?authorization|(?:set-)?cookie|x-api-key|(?:access[-_]?)?token|password|secret)(["']?\s*[:=]\s*["']?)[^\s"',]+/gi,
    "$1$2***",
  ],
  // Addresses, with four numbers or with colons.
  [/(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]*\w)/g, "*.*.*.*"],
  [
    /(?<![\w:])(?=[\da-f:]*::|(?:[\da-f]{1,4}:){7})[\da-f]{0,4}(?::[\da-f]{0,4}){2,7}(?![\w:])/gi,
    "*:*",
  ],
];

/** How deep what is reported may be nested; what is deeper is left out. */
const MAX_DEPTH = 12;

/** A copy of plain data in whose texts no credentials, queries and addresses are. */
export function withoutSecrets<Data>(data: Data): Data {
  return cleaned(data, 0) as Data;
}

function cleaned(value: unknown, depth: number): unknown {
  if (typeof value === "string") return cleanText(value);
  if (typeof value !== "object" || value === null) return value;
  if (depth >= MAX_DEPTH) return null;
  if (Array.isArray(value)) return value.map((it) => cleaned(it, depth + 1));
  // Sentry's own objects, which are not sent.
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, it]) => [name, cleaned(it, depth + 1)]),
  );
}

function cleanText(text: string): string {
  return RULES.reduce(
    (current, [secret, replacement]) => current.replace(secret, replacement),
    text,
  );
}
