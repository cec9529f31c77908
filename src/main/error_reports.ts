import { getLogger, type LogRecord } from "@logtape/logtape";
import { plainMessage } from "./log_format.ts";
import { withoutSecrets } from "./without_secrets.ts";

/** How long the program waits at its end until what was reported has gone out, in milliseconds. */
const FLUSH_MS = 2_000;

/** Reports that wait to be sent; what comes beyond is left out. */
const MAX_WAITING = 30;

/** `https://KEY@HOST/PROJECT`, as Sentry shows it. */
const DSN = /^https?:\/\/\w+(?::\w*)?@(?:\[[:.\w]+\]|[\w.-]+)(?::\d+)?(?:\/\S*)?\/\d+$/;

const log = getLogger(["cache-proxy", "reports"]);

/** Where errors are reported to. */
export interface ErrorReportsOptions {
  /** What `SENTRY_DSN` says; without it, nothing is loaded and nothing reported. */
  readonly dsn: string | undefined;
  /** What `SENTRY_ENVIRONMENT` says. */
  readonly environment: string | undefined;
  readonly version: string;
  /** Hands over each error that gets into the log. */
  readonly follow: (listener: (record: LogRecord) => void) => void;
  /** Ends the program because of an error that nobody has caught. */
  readonly die: (error: unknown) => void;
}

/**
 * Reports errors to Sentry, or to what speaks its protocol, until it is disposed of: what the log
 * says at level error, and what nobody has caught. Secrets and addresses are taken out.
 */
export async function startErrorReports(options: ErrorReportsOptions): Promise<AsyncDisposable> {
  const { dsn, version, follow } = options;
  if (dsn === undefined || dsn === "") return { [Symbol.asyncDispose]: () => Promise.resolve() };
  if (!DSN.test(dsn)) {
    log.warn("Cannot report errors: SENTRY_DSN is not like https://KEY@HOST/PROJECT");
    return { [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  // It is large, and most people do not need it.
  const sentry = await import("@sentry/deno");
  sentry.init({
    dsn,
    release: `cache-proxy@${version}`,
    environment: options.environment || "production",
    // None that look at requests, addresses or the text of the program, and no traces: those are
    // OpenTelemetry's.
    defaultIntegrations: false,
    integrations: [
      sentry.linkedErrorsIntegration(),
      sentry.dedupeIntegration(),
      sentry.denoContextIntegration(),
      sentry.normalizePathsIntegration(),
    ],
    skipOpenTelemetrySetup: true,
    sendDefaultPii: false,
    transportOptions: { bufferSize: MAX_WAITING },
    beforeSend: (event) => withoutSecrets(event),
  });
  follow((record) => {
    const { properties: { error }, rawMessage, category } = record;
    // The stack of an error is in its own place.
    const message = record.message.map((it) => it instanceof Error ? it.message : it);
    const text = plainMessage({ message });
    const template = String(rawMessage);
    const tags = { logger: category.join(".") };
    if (error instanceof Error) {
      const fingerprint = ["{{ default }}", template];
      sentry.captureException(error, { tags, fingerprint, extra: { message: text } });
    } else {
      sentry.captureMessage(text, { level: "error", tags, fingerprint: [template] });
    }
  });
  const onUncaught = (event: Event, error: unknown): void => {
    // Otherwise the runtime ends at once, and nothing goes out.
    event.preventDefault();
    sentry.captureException(error, { level: "fatal" });
    void sentry.flush(FLUSH_MS).finally(() => options.die(error));
  };
  const onRejection = (event: PromiseRejectionEvent): void => onUncaught(event, event.reason);
  const onError = (event: ErrorEvent): void => onUncaught(event, event.error);
  globalThis.addEventListener("unhandledrejection", onRejection);
  globalThis.addEventListener("error", onError);
  log.info("Errors are reported to {host}", { host: new URL(dsn).host });
  return {
    async [Symbol.asyncDispose](): Promise<void> {
      globalThis.removeEventListener("unhandledrejection", onRejection);
      globalThis.removeEventListener("error", onError);
      await sentry.close(FLUSH_MS);
    },
  };
}
