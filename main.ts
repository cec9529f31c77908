/**
 * The program: flags, environment, configuration, signals. Builds the proxy, serves, drains.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import manifest from "./deno.json" with { type: "json" };
import type { Config } from "./src/config/config.ts";
import { CacheProxyError, ConfigError } from "./src/errors.ts";
import { type Args, HELP, parseArgs } from "./src/main/args.ts";
import { ConfigReloader } from "./src/main/config_reloader.ts";
import { type EffectiveConfig, effectiveConfig } from "./src/main/effective_config.ts";
import { Hangups } from "./src/main/hangups.ts";
import { startLogging } from "./src/main/logging.ts";
import { type Proxy, startProxy } from "./src/main/proxy.ts";
import { systemClock } from "./src/main/system_clock.ts";
import { trustSystemCertificates } from "./src/main/trusted_certificates.ts";

/** Exit codes: 0 all is well, 1 the system refused something, 2 flags or config are wrong. */
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

/** How long a shutdown waits for what is under way, in milliseconds. */
const SHUTDOWN_GRACE_MS = 30_000;

const log = getLogger(["cache-proxy"]);

// Exits in so many words: the connection of a client that does not read what it was sent outlives
// the server, and would keep the process.
if (import.meta.main) Deno.exit(await main(Deno.args));

async function main(args: readonly string[]): Promise<number> {
  const parsed = parseArgs(args, (name) => Deno.env.get(name));
  switch (parsed.kind) {
    case "help":
      print(HELP);
      return 0;
    case "version":
      print(`cache-proxy ${manifest.version}\n`);
      return 0;
    case "invalid":
      complain(parsed.problems);
      return EXIT_USAGE;
    case "run":
      return await run(parsed);
  }
}

async function run(args: Args): Promise<number> {
  using hangups = new Hangups();
  const loaded = readConfig(args);
  if (loaded === null) return EXIT_USAGE;
  const { config, warnings } = loaded;
  const format = config.log.format ?? (Deno.stdout.isTerminal() ? "text" : "json");
  const logging = startLogging(config.log.level, format);
  try {
    for (const warning of warnings) log.warn("{warning}", { warning });
    const problem = trustSystemCertificates();
    if (problem !== null) {
      log.warn("Only Mozilla's authorities are trusted: {problem}", { problem });
    }
    const proxy = await startProxy(config, { version: manifest.version, clock: systemClock });
    using reloader = new ConfigReloader(args, config, { proxy, setLogLevel: logging.setLevel });
    if (args.watchConfig) reloader.watch();
    hangups.answerBy(() => reloader.reload());
    await serveUntilSignal(proxy, config);
    return 0;
  } catch (error) {
    // Told apart from the log, where a newcomer who sees JSON may look for it in vain.
    complain([error instanceof CacheProxyError ? error.message : `Cannot start: ${error}`]);
    return EXIT_FAILED;
  } finally {
    logging.end();
  }
}

function readConfig(args: Args): EffectiveConfig | null {
  try {
    return effectiveConfig(args);
  } catch (error) {
    complain(error instanceof ConfigError ? error.problems : [`Cannot start: ${error}`]);
    return null;
  }
}

async function serveUntilSignal(proxy: Proxy, config: Config): Promise<void> {
  const scheme = config.listen.tls === null ? "http" : "https";
  log.info("Listening on {url}, {upstreams} upstreams, data in {path}", {
    url: `${scheme}://${placeOf(proxy.address)}`,
    upstreams: config.upstreams.length,
    path: config.storage.path,
  });
  log.info("Admin listener on {admin}", { admin: `http://${placeOf(proxy.adminAddress)}` });
  const stopping = Promise.withResolvers<string>();
  const hurry = new AbortController();
  const onSignal = (signal: string): void => {
    // The second signal means that somebody does not want to wait.
    if (asked) hurry.abort();
    asked = true;
    stopping.resolve(signal);
  };
  let asked = false;
  const onTerm = (): void => onSignal("SIGTERM");
  const onInt = (): void => onSignal("SIGINT");
  Deno.addSignalListener("SIGTERM", onTerm);
  Deno.addSignalListener("SIGINT", onInt);
  try {
    const signal = await stopping.promise;
    log.info("{signal}: no new connections; waiting for what is under way", { signal });
    await proxy.stop(SHUTDOWN_GRACE_MS, hurry.signal);
    log.info("Stopped");
  } finally {
    Deno.removeSignalListener("SIGTERM", onTerm);
    Deno.removeSignalListener("SIGINT", onInt);
  }
}

function placeOf({ hostname, port }: Deno.NetAddr): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}

function complain(lines: readonly string[]): void {
  Deno.stderr.writeSync(new TextEncoder().encode(lines.join("\n") + "\n"));
}
