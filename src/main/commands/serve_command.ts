import { getLogger } from "@logtape/logtape";
import type { Config } from "../../config/config.ts";
import { CacheProxyError, ConfigError } from "../../errors.ts";
import type { Args } from "../args.ts";
import { ConfigReloader } from "../config_reloader.ts";
import { type EffectiveConfig, effectiveConfig } from "../effective_config.ts";
import { startErrorReports } from "../error_reports.ts";
import { Hangups } from "../hangups.ts";
import { startLogging } from "../logging.ts";
import { type Proxy, startProxy } from "../proxy.ts";
import { systemClock } from "../system_clock.ts";
import { startTracing } from "../tracing.ts";
import { trustSystemCertificates } from "../trusted_certificates.ts";
import { EXIT } from "./command_error.ts";

/** How long a shutdown waits for what is under way, in milliseconds. */
const SHUTDOWN_GRACE_MS = 30_000;

const log = getLogger(["cache-proxy"]);

/**
 * Runs the proxy until a signal ends it.
 *
 * @returns The exit code.
 */
export async function serve(args: Args, version: string): Promise<number> {
  using hangups = new Hangups();
  const loaded = readConfig(args);
  if (loaded === null) return EXIT.usage;
  const { config, warnings } = loaded;
  const logging = startLogging(config.log);
  try {
    for (const warning of warnings) log.warn("{warning}", { warning });
    const problem = trustSystemCertificates();
    if (problem !== null) {
      log.warn("Only Mozilla's authorities are trusted: {problem}", { problem });
    }
    await using _reports = await startErrorReports({
      dsn: Deno.env.get("SENTRY_DSN"),
      environment: Deno.env.get("SENTRY_ENVIRONMENT"),
      version,
      follow: logging.followErrors,
      die: (error) => {
        logging.end();
        complain([`Uncaught: ${error instanceof Error ? error.stack : error}`]);
        Deno.exit(EXIT.failed);
      },
    });
    const tracing = await startTracing((name) => Deno.env.get(name), version);
    const proxy = await startProxy(config, {
      version,
      clock: systemClock,
      logLevel: logging,
      ...tracing === null ? {} : { tracing },
    });
    using reloader = new ConfigReloader(args, config, { proxy, logging });
    if (args.watchConfig) reloader.watch();
    hangups.answerBy(() => reloader.reload());
    await serveUntilSignal(proxy, config);
    return EXIT.well;
  } catch (error) {
    // Told apart from the log, where a newcomer who sees JSON may look for it in vain.
    complain([error instanceof CacheProxyError ? error.message : `Cannot start: ${error}`]);
    return EXIT.failed;
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

function complain(lines: readonly string[]): void {
  Deno.stderr.writeSync(new TextEncoder().encode(lines.join("\n") + "\n"));
}
