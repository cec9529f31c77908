import type { Config } from "../config/config.ts";
import { netrcEntryFor, parseNetrc } from "../config/netrc.ts";
import { ConfigError } from "../errors.ts";
import type { Upstream, UpstreamAuth } from "../types.ts";

/** Bits of a file's mode by which others than its owner may read it. */
const READABLE_BY_OTHERS = 0o044;

/** Upstreams that know their credentials. */
export interface WithCredentials {
  readonly upstreams: readonly Upstream[];
  /** What works and should not be so; one line each. */
  readonly warnings: readonly string[];
}

/**
 * Reads the netrc files that upstreams name, each once, and puts what stands there for the
 * upstream's host in their place. Where nothing does, the upstream is asked without credentials, and
 * the warnings say so.
 *
 * @throws {ConfigError} With each file that cannot be read.
 */
export function readCredentials({ upstreams }: Pick<Config, "upstreams">): WithCredentials {
  const files = new Map<string, ReturnType<typeof parseNetrc>>();
  const [problems, warnings]: [string[], string[]] = [[], []];
  const paths = new Set(upstreams.flatMap(({ auth }) => auth?.kind === "netrc" ? [auth.path] : []));
  for (const path of paths) {
    try {
      files.set(path, parseNetrc(Deno.readTextFileSync(path)));
      const { mode } = Deno.statSync(path);
      if (mode !== null && (mode & READABLE_BY_OTHERS) !== 0) {
        warnings.push(`Others can read the netrc file ${path}: take it from them with chmod 600`);
      }
    } catch (error) {
      problems.push(`Cannot read netrc file ${path}: ${whyOf(error)}`);
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  const resolved = upstreams.map((upstream): Upstream => {
    if (upstream.auth?.kind !== "netrc") return upstream;
    const { path } = upstream.auth;
    const { hostname } = new URL(upstream.server);
    const entry = netrcEntryFor(hostname, files.get(path) ?? []);
    if (entry !== null) return { ...upstream, auth: basicOf(entry) };
    warnings.push(`The netrc file ${path} has nothing for ${hostname}: it is asked without`);
    return { ...upstream, auth: null };
  });
  return { upstreams: resolved, warnings };
}

function basicOf({ login, password }: { login: string; password: string }): UpstreamAuth {
  return { kind: "basic", user: login, password };
}

function whyOf(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "there is no such file";
  return error instanceof Error ? error.message : String(error);
}
