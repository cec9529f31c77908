/**
 * The shape of the config file. What is described here is checked, gets its default value, and goes
 * into config.schema.json for editors.
 *
 * @module
 */

import { z } from "zod";
import { cacheSchema } from "./cache_schema.ts";
import {
  isAddress,
  isBearerToken,
  isHeaderValue,
  isLoopback,
  isMount,
  isPassableMethod,
  isProxyUrl,
  isTemporaryFilePattern,
  isToken,
  isUpstreamName,
  TOKEN_SHAPE,
} from "./checks.ts";
import { PRESET_NAMES } from "./presets/presets.ts";
import {
  authSchema,
  filesSchema,
  forwardSchema,
  linkSchema,
  ruleSchema,
  trustedProxiesSchema,
} from "./rules_schema.ts";
import {
  anyText,
  baseUrl,
  byteSize,
  byteSizeOr,
  filledText,
  flag,
  integer,
  integerOr,
  onOff,
  optionalPattern,
  pattern,
  shapeOrPlaceholder,
  text,
  timerDuration,
} from "./scalars.ts";

const MAX_PORT = 65_535;
const MAX_WORKERS = 256;
const MIN_STATUS = 100;
const MAX_STATUS = 599;
const MIN_PRIORITY = -(2 ** 31);
const MAX_PRIORITY = 2 ** 31 - 1;
const MAX_CHUNK_BYTES = 1024 ** 3;
const MAX_FILLS = 1_000_000;
const MAX_RACE_WIDTH = 64;
const MIN_WINDOW_BYTES = 1024 ** 2;
const MAX_WINDOW_BYTES = 1024 ** 3;
/** A runtime fires timers over 2^31 - 1 ms (24 days) at once; nobody waits for a day. */
const MAX_FETCH_TIMEOUT_MS = 24 * 3_600_000;
const MIN_LOG_FILE_BYTES = 64 * 1024;
const MAX_KEPT_LOG_FILES = 1000;

function headerName(): z.ZodType<string, string> {
  return text("the name of a header field", isToken, shapeOrPlaceholder(TOKEN_SHAPE));
}

function fetchTimeout(): z.ZodType<number, number | string> {
  return timerDuration("a duration over 0 and up to 24h", MAX_FETCH_TIMEOUT_MS);
}

const listen = z.strictObject({
  address: text("an IP address or a host name, without a port", (it) => it === "" || isAddress(it))
    .prefault("0.0.0.0").describe("Address that clients connect to. `::` is every address."),
  port: integer(0, MAX_PORT).prefault(8881)
    .describe("Port that clients connect to. 0: the system chooses one."),
  tls: z.strictObject({
    cert: filledText("the path of a PEM file").describe("PEM file of the certificate chain."),
    key: filledText("the path of a PEM file").describe("PEM file of the private key."),
  }).optional().describe("Serve HTTPS with HTTP/2. Without it: plain HTTP."),
  "public-url": baseUrl().optional().describe(
    "What clients call this server, for links to it. Without it: as the request says.",
  ),
  "trusted-proxies": trustedProxiesSchema,
});

const admin = z.strictObject({
  address: text("an IP address or a host name, without a port", isAddress).prefault("127.0.0.1")
    .describe("Address of the admin listener. One that others can reach takes a token."),
  port: integer(0, MAX_PORT).prefault(8882)
    .describe("Port of the admin listener. 0: the system chooses one, and the log tells it."),
  token: text(
    "a token of letters, digits and -._~+/ with = at its end",
    (it) => it === "" || isBearerToken(it),
  ).prefault("").describe(
    "What requests have to show as `Authorization: Bearer`, such as `${ADMIN_TOKEN}`. Empty: " +
      "nothing.",
  ),
  debug: flag().prefault(false).describe(
    "Whether CPU profiles and heap snapshots can be had. They hold what is in memory, credentials " +
      "too.",
  ),
}).refine(({ address, token }) => token !== "" || isLoopback(address), {
  path: ["token"],
  error: "required, since others than this machine can reach admin.address",
});

const path = z.strictObject({
  match: optionalPattern().prefault("")
    .describe("Regular expression on the client's path. Not matched: this upstream is not asked."),
  replace: anyText().prefault("").describe(
    "What every match in the path is replaced by. `$1`, `${1}` and `${name}` are the groups.",
  ),
}).refine((it) => it.match !== null || it.replace === "", {
  path: ["match"],
  error: "expected a regular expression, since there is a replace",
});

const checker = z.strictObject({
  "status-codes": z.union([z.array(integer(MIN_STATUS, MAX_STATUS)), z.enum(["any"])], {
    error: `expected a list of status codes, or "any"`,
  }).prefault([200]).describe(
    "Status codes that are acceptable. `any`: every final answer is one, as with a plain reverse " +
      "proxy.",
  ),
  headers: z.array(z.strictObject({
    name: headerName().describe("Header field that must be there, unless it has a `not-match`."),
    match: optionalPattern().prefault("").describe("Regular expression on the field's value."),
    "not-match": optionalPattern().prefault("").describe(
      "Regular expression that the field's value must not match; without the field all is well.",
    ),
  })).prefault([]).describe("What header fields must be."),
});

/** One entry of `upstream`. */
export const upstreamSchema = z.strictObject({
  server: baseUrl().describe("Base URL of the mirror; it may have a path."),
  name: text("a name of printable ASCII characters", isUpstreamName).prefault("")
    .describe("Short name for logs, metrics and headers; unique. Empty: the host."),
  preset: z.enum(PRESET_NAMES).optional().describe(
    "What the mirror has: stands for the rules that its kind of packages takes. " +
      "`cache-proxy check --expand` prints them.",
  ),
  at: text("a path such as /debian", isMount).prefault("").describe(
    "Where the mirror is mounted: its path `/x` is `/debian/x` for clients. In place of `path`.",
  ),
  files: filesSchema,
  auth: authSchema.optional().describe("Credentials for this mirror's own host."),
  "cache-private": flag().prefault(false).describe(
    "Whether what was got with `auth`, or what the mirror says is private, may be stored, for " +
      "every client to have.",
  ),
  protocol: z.enum(["http", "oci"]).prefault("http").describe(
    "`oci`: a registry of container images, which hands out tokens and knows files by digest.",
  ),
  "token-realm": optionalPattern().prefault("").describe(
    "Regular expression on URLs of token servers that may have `auth`, besides the mirror's own " +
      "host. Empty: none.",
  ),
  path: path.prefault({}).describe(
    "Which paths the mirror has, and their names there. Both keys empty: every path, unchanged.",
  ),
  checkers: z.union([checker, z.array(checker)], {
    error: "expected a mapping or a list of mappings",
  })
    .prefault([{ "status-codes": [200] }])
    .describe("What must hold for an answer to be acceptable; all of them must."),
  "allowed-redirect": optionalPattern().prefault("").describe(
    "Regular expression on the absolute URL of a redirect's target. Empty: the same host only.",
  ),
  "priority-groups": z.array(z.strictObject({
    match: pattern().describe("Regular expression on the client's path."),
    priority: integer(MIN_PRIORITY, MAX_PRIORITY).prefault(0)
      .describe("A lower priority is asked only when all of the higher ones have failed."),
  })).prefault([]).describe(
    "Priority of this mirror by path; the first match counts, without one it is 0.",
  ),
  headers: z.record(
    text("the name of a header field", isToken, `^${TOKEN_SHAPE}$`),
    text("a header value without line breaks and characters outside of Latin-1", isHeaderValue),
  ).prefault({}).describe("Extra request headers, such as `Authorization: Bearer ${TOKEN}`."),
  proxy: text(
    "the URL of a proxy, such as http://proxy:3128 or socks5://proxy:1080",
    (it) => it === "" || isProxyUrl(it),
  ).prefault("").describe(
    "HTTP, HTTPS or SOCKS5 proxy. Empty: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY count.",
  ),
  "allow-methods": z.array(
    text("an HTTP method, such as POST", isToken, shapeOrPlaceholder(TOKEN_SHAPE))
      .refine(isPassableMethod, { error: "CONNECT, TRACE and TRACK cannot be passed on" }),
  ).prefault(["GET", "HEAD"]).describe(
    "Methods of clients that this mirror takes; GET and HEAD it always does. Others are passed " +
      "on, and their answers never stored.",
  ),
}).refine((it) => it.at === "" || it.path.match === null, {
  path: ["at"],
  error: "expected either at or path, not both",
});

const misc = z.strictObject({
  "first-chunk-bytes": byteSize("a size from 0 up", 0, Number.MAX_SAFE_INTEGER).prefault(0)
    .describe(
      "The first mirror to deliver so many bytes wins. 0: the first acceptable head wins.",
    ),
  "chunk-bytes": byteSize("a size from 1 to 1GiB", 1, MAX_CHUNK_BYTES).prefault(1_048_576)
    .describe("Size of a write to disk and of a read from it."),
});

const race = z.strictObject({
  width: integer(1, MAX_RACE_WIDTH).prefault(3).describe(
    "Mirrors that are asked at once, the best first. The next is asked when one fails, or when " +
      "nobody has answered in the time that the best usually takes.",
  ),
  segments: onOff().prefault("on").describe(
    "Whether a large file is fetched from several mirrors at once, a part from each.",
  ),
  "segment-threshold": byteSize("a size from 0 up", 0, Number.MAX_SAFE_INTEGER).prefault("16MiB")
    .describe("Smaller files come from one mirror. 0: all do."),
  "segment-window": byteSize("a size from 1MiB to 1GiB", MIN_WINDOW_BYTES, MAX_WINDOW_BYTES)
    .prefault("32MiB").describe(
      "How far ahead of what is handed out a file is fetched: memory of one such download.",
    ),
});

const storage = z.strictObject({
  type: z.enum(["local"]).prefault("local").describe("Kind of storage."),
  local: z.strictObject({
    path: filledText("the path of a directory").prefault("./data")
      .describe("Data directory; created if missing."),
    "temporary-file-pattern": text(
      "a file name of up to 100 characters, with a * and without slashes",
      isTemporaryFilePattern,
    ).prefault("temp.*")
      .describe("Name of unfinished files; `*` is replaced by something unique."),
    accel: z.strictObject({
      "enable-by-header": text(
        "the name of a header field",
        (it) => it === "" || isToken(it),
      ).prefault("").describe(
        "Request header that a trusted front server sets to the internal location. Empty: off.",
      ),
      "respond-with-headers": z.array(headerName())
        .min(1, { error: "expected at least one header field" })
        .prefault(["X-Sendfile", "X-Accel-Redirect"])
        .describe("Response headers that then carry the location of the file."),
    }).optional().describe("Leave sending the file to the server in front."),
  }).prefault({}).describe("Storage in a directory."),
});

const fetch = z.strictObject({
  "head-timeout": fetchTimeout().prefault("10s")
    .describe("How long a mirror may take until the head of its answer is there."),
  "stall-timeout": fetchTimeout().prefault("15s")
    .describe("How long a mirror may send nothing in the middle of a body."),
  "minimum-rate": byteSize("a size from 0 up", 0, Number.MAX_SAFE_INTEGER).prefault("16KiB")
    .describe(
      "Bytes per second, over 20 s: a mirror that gives less is left while there is another one. " +
        "0: never.",
    ),
  "range-skip": byteSizeOr(
    { off: null },
    `a size from 0 up, or "off"`,
    0,
    Number.MAX_SAFE_INTEGER,
  ).prefault("8MiB").describe(
    "A range that begins so far ahead of what has arrived of its file is asked for on its own, " +
      "beside the download. 0: every range that has not begun to arrive. `off`: ranges wait.",
  ),
  "max-fills": integer(1, MAX_FILLS).prefault(256)
    .describe("Downloads at once; a request for one more is answered with 503."),
});

const log = z.strictObject({
  level: z.enum(["trace", "debug", "info", "warn", "error"]).prefault("info")
    .describe("The least important messages that are written."),
  format: z.enum(["text", "json"]).optional()
    .describe("Form of the messages. Without it: text on a terminal, else JSON."),
  requests: flag().optional().describe(
    "Whether each request is written when it has been answered. Without it: at the levels trace, " +
      "debug and info.",
  ),
  events: flag().prefault(true)
    .describe("Whether everything else is written, from `level` up."),
  file: z.strictObject({
    path: filledText("the path of a file").describe("The log file; its folder must be there."),
    "max-size": byteSize("0, or a size from 64KiB up", 0, Number.MAX_SAFE_INTEGER)
      .refine((bytes) => bytes === 0 || bytes >= MIN_LOG_FILE_BYTES, {
        error: "expected 0, or a size from 64KiB up",
      }).prefault("100MiB")
      .describe("A file that would get larger is set aside and a new one begun. 0: never."),
    keep: integer(0, MAX_KEPT_LOG_FILES).prefault(5)
      .describe("How many files that were set aside are kept: `path.1` is the newest."),
  }).optional().describe("Write to a file. Without it: to standard output."),
});

/** The config file in its current spelling, environment variables replaced. */
export const configSchema = z.strictObject({
  listen: listen.prefault({}).describe("Where clients connect."),
  workers: integerOr(["auto"], 1, MAX_WORKERS).prefault("auto").describe(
    "Workers that serve clients, each on a core of its own; one more fills. 1: one does all. " +
      "`auto`: as many as there are cores, with up to two of them 1.",
  ),
  admin: admin.prefault({}).describe("Where operators look and steer."),
  upstream: z.array(upstreamSchema).min(1, { error: "expected at least one mirror" })
    .describe("The mirrors, in order of preference among equals."),
  misc: misc.prefault({}).describe("How mirrors race."),
  race: race.prefault({}).describe("How many mirrors are asked for a file."),
  rules: z.array(ruleSchema).prefault([])
    .describe("What clients may have; the first match applies, without one all may be had."),
  links: z.array(linkSchema).prefault([]).describe(
    "Files in which links to mirrors are rewritten to lead here when they are served.",
  ),
  forward: forwardSchema.prefault({}).describe("What is proxied beside the mirrors."),
  prefetch: z.enum(["off", "updates"]).prefault("off").describe(
    "`updates`: when a list shows a newer version of a package that was asked for, it is fetched " +
      "in the background.",
  ),
  cache: cacheSchema.prefault({})
    .describe("How long copies are fresh, and how much room they may take."),
  storage: storage.prefault({}).describe("Where copies are kept."),
  fetch: fetch.prefault({}).describe("Bounds on downloads from mirrors."),
  log: log.prefault({}).describe("What is logged, and how."),
});

/** The file's values, checked and in our units; names and shape are still the file's. */
export type ParsedConfig = z.output<typeof configSchema>;

/** One entry of `upstream`, checked. */
export type ParsedUpstream = z.output<typeof upstreamSchema>;

/** One entry of `checkers`, checked. */
export type ParsedChecker = z.output<typeof checker>;
