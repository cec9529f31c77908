/**
 * The shape of the config file. What is described here is checked, gets its default value, and goes
 * into config.schema.json for editors.
 *
 * @module
 */

import { z } from "zod";
import {
  HEADER_NAME_SHAPE,
  isAddress,
  isHeaderName,
  isHeaderValue,
  isPrintable,
  isProxyUrl,
  isTemporaryFilePattern,
} from "./checks.ts";
import {
  anyText,
  baseUrl,
  byteSize,
  durationOrNever,
  filledText,
  integer,
  optionalPattern,
  pattern,
  shapeOrPlaceholder,
  text,
  timerDuration,
} from "./scalars.ts";

const MAX_PORT = 65_535;
const MIN_STATUS = 100;
const MAX_STATUS = 599;
const MIN_PRIORITY = -(2 ** 31);
const MAX_PRIORITY = 2 ** 31 - 1;
const MAX_CHUNK_BYTES = 1024 ** 3;
const MAX_FILLS = 1_000_000;
/** A runtime fires timers over 2^31 - 1 ms (24 days) at once; nobody waits for a day. */
const MAX_FETCH_TIMEOUT_MS = 24 * 3_600_000;

function headerName(): z.ZodType<string, string> {
  return text("the name of a header field", isHeaderName, shapeOrPlaceholder(HEADER_NAME_SHAPE));
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
  "status-codes": z.array(integer(MIN_STATUS, MAX_STATUS)).prefault([200])
    .describe("Status codes that are acceptable."),
  headers: z.array(z.strictObject({
    name: headerName().describe("Header field that must be there."),
    match: optionalPattern().prefault("").describe("Regular expression on the field's value."),
  })).prefault([]).describe("Header fields that must be there."),
});

/** One entry of `upstream`. */
export const upstreamSchema = z.strictObject({
  server: baseUrl().describe("Base URL of the mirror; it may have a path."),
  name: text("a name of printable ASCII characters", isPrintable).prefault("")
    .describe("Short name for logs, metrics and headers; unique. Empty: the host."),
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
    text("the name of a header field", isHeaderName, `^${HEADER_NAME_SHAPE}$`),
    text("a header value without line breaks and characters outside of Latin-1", isHeaderValue),
  ).prefault({}).describe("Extra request headers, such as `Authorization: Bearer ${TOKEN}`."),
  proxy: text(
    "the URL of a proxy, such as http://proxy:3128 or socks5://proxy:1080",
    (it) => it === "" || isProxyUrl(it),
  ).prefault("").describe(
    "HTTP, HTTPS or SOCKS5 proxy. Empty: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY count.",
  ),
});

const misc = z.strictObject({
  "first-chunk-bytes": byteSize("a size from 0 up", 0, Number.MAX_SAFE_INTEGER).prefault(0)
    .describe(
      "The first mirror to deliver so many bytes wins. 0: the first acceptable head wins.",
    ),
  "chunk-bytes": byteSize("a size from 1 to 1GiB", 1, MAX_CHUNK_BYTES).prefault(1_048_576)
    .describe("Size of a write to disk and of a read from it."),
});

const cache = z.strictObject({
  timeout: durationOrNever().prefault("1h")
    .describe("After this a copy is revalidated, where no policy says otherwise; or `never`."),
  policies: z.array(z.strictObject({
    match: pattern().describe("Regular expression on the path."),
    "refresh-after": durationOrNever().optional()
      .describe("After this a copy is revalidated; or `never`. Without it: `cache.timeout`."),
  })).prefault([]).describe("Rules for certain paths; the first match applies."),
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
        (it) => it === "" || isHeaderName(it),
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
  "max-fills": integer(1, MAX_FILLS).prefault(256)
    .describe("Downloads at once; a request for one more is answered with 503."),
});

const log = z.strictObject({
  level: z.enum(["trace", "debug", "info", "warn", "error"]).prefault("info")
    .describe("The least important messages that are written."),
  format: z.enum(["text", "json"]).optional()
    .describe("Form of the messages. Without it: text on a terminal, else JSON."),
});

/** The config file in its current spelling, environment variables replaced. */
export const configSchema = z.strictObject({
  listen: listen.prefault({}).describe("Where clients connect."),
  upstream: z.array(upstreamSchema).min(1, { error: "expected at least one mirror" })
    .describe("The mirrors, in order of preference among equals."),
  misc: misc.prefault({}).describe("How mirrors race."),
  cache: cache.prefault({}).describe("How long copies are fresh."),
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
