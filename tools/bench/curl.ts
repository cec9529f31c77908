/** One answer that curl got. */
export interface CurlAnswer {
  readonly status: number;
  readonly bytes: number;
  readonly firstByteMs: number;
  readonly totalMs: number;
}

const FORMAT = "%{http_code} %{size_download} %{time_starttransfer} %{time_total}\\n";

/**
 * Fetches one URL after the other on one connection and forgets what comes. curl's patterns are
 * known: `[1-8]` in a fragment fetches the same eight times.
 *
 * @param flags Further ones, as `--parallel`.
 * @throws When curl fails or an answer is an error.
 */
export async function curl(url: string, flags: readonly string[] = []): Promise<CurlAnswer[]> {
  const args = ["-sS", "--fail", "--no-progress-meter", "-o", "/dev/null", "-w", FORMAT];
  const command = new Deno.Command("curl", { args: [...args, ...flags, url], stdin: "null" });
  const { success, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`Cannot fetch ${url}: ${decoder.decode(stderr).trim()}`);
  return decoder.decode(stdout).trim().split("\n").map((line) => {
    const [status = 0, bytes = 0, first = 0, total = 0] = line.split(" ").map(Number);
    return { status, bytes, firstByteMs: first * 1000, totalMs: total * 1000 };
  });
}
