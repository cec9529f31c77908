/**
 * Makes one executable of the main.ts in the current folder.
 *
 * Usage: compile.ts [OUTPUT], default dist/cache-proxy. `DENORT_BIN` in the environment names the
 * runtime to embed; without it `deno compile` downloads the one of its own version.
 *
 * @module
 */

/** What the program needs, and nothing else: the config says which hosts, paths and variables. */
const PERMISSIONS = [
  "--allow-net",
  "--allow-read",
  "--allow-write",
  "--allow-env",
  // How much the disk has free, and where the time goes; the latter has no name of its own here.
  "--allow-sys",
  // Code from a few hosts would be allowed otherwise.
  "--deny-import",
];

const OPTIONS = [
  "--frozen",
  // Whoever runs a server is not there to be asked.
  "--no-prompt",
  // The lock file holds the tests' packages too.
  "--exclude-unused-npm",
  // The program must write nowhere but to its data directory; the code cache would go to /tmp.
  "--no-code-cache",
];

/** Loaded by its URL where there are several serving workers, which `deno compile` does not see. */
const WORKER = "src/server/workers/worker_entry.ts";

const FAILED_TO_GET_RUNTIME = "Setting up base binary";

if (import.meta.main) Deno.exitCode = await compile(Deno.args[0] ?? "dist/cache-proxy");

async function compile(output: string): Promise<number> {
  write(`Compiling main.ts to ${output}\n`);
  const included = await exists(WORKER) ? ["--include", WORKER] : [];
  const args = ["compile", ...OPTIONS, ...PERMISSIONS, ...included, "--output", output, "main.ts"];
  const env = { NO_COLOR: "1", RUST_BACKTRACE: "0" };
  const command = new Deno.Command(Deno.execPath(), { args, env });
  const { code, stdout, stderr } = await command.output();
  const report = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  if (code === 0 || !report.includes(FAILED_TO_GET_RUNTIME)) {
    write(report);
    return code;
  }
  write(`${explain(report)}\n`);
  return 1;
}

async function exists(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    return false;
  }
}

/** One line in place of the chain of errors; its last link says what really happened. */
function explain(report: string): string {
  const cause = /(?:error|\d+): (.*)$/.exec(report.trimEnd())?.[1] ?? "unknown cause";
  return `Cannot compile: the runtime to embed could not be downloaded (${cause}); ` +
    "set DENORT_BIN to a denort of the same version";
}

function write(text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let written = 0; written < bytes.byteLength;) {
    written += Deno.stderr.writeSync(bytes.subarray(written));
  }
}
