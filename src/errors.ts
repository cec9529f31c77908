/**
 * Errors that cross a layer. Each has a stable code, so that callers and logs need not read
 * messages.
 *
 * @module
 */

import type { FailureReason } from "./types.ts";

/** Whose fault it is. */
export type ErrorSource = "client" | "upstream" | "storage" | "config";

/** Base of all errors that we raise on purpose. */
export class CacheProxyError extends Error {
  constructor(
    /** Stable, for logs and tests: `storage-full`, `config-invalid`, … */
    readonly code: string,
    readonly source: ErrorSource,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = "CacheProxyError";
  }
}

/** An upstream did not deliver; `reason` says how. */
export class UpstreamError extends CacheProxyError {
  constructor(readonly reason: FailureReason, options?: ErrorOptions) {
    super(`upstream-${reason.kind}`, "upstream", `Upstream failed: ${reason.kind}`, options);
    this.name = "UpstreamError";
  }
}

/** The disk did not take or give bytes. */
export class StorageError extends CacheProxyError {
  constructor(
    code: "storage-full" | "object-too-large" | "storage-failed" | "storage-locked",
    message: string,
    options?: ErrorOptions,
  ) {
    super(code, "storage", message, options);
    this.name = "StorageError";
  }
}

/** The config file is not usable. `problems` holds all of them, one line each. */
export class ConfigError extends CacheProxyError {
  constructor(readonly problems: readonly string[]) {
    super("config-invalid", "config", problems.join("\n"));
    this.name = "ConfigError";
  }
}
