/**
 * The files of a data directory that this process has open, those apart that a proxy always has
 * open. Its descriptors are listed by another process, since the runtime guards that folder. For
 * Linux; tests that look are skipped elsewhere.
 */
export async function openFiles(dataDir: string): Promise<string[]> {
  const listing = new Deno.Command("ls", { args: ["-l", `/proc/${Deno.pid}/fd`], stderr: "null" });
  const { stdout } = await listing.output();
  const prefix = ` -> ${await Deno.realPath(dataDir)}/`;
  return new TextDecoder().decode(stdout).split("\n")
    .filter((line) => line.includes(prefix))
    .map((line) => line.slice(line.indexOf(prefix) + prefix.length))
    .filter((path) => !/^\.cache-proxy\/(?:lock$|index\.db)/.test(path));
}

/** Whether `openFiles` works here. */
export const CAN_LIST_OPEN_FILES = Deno.build.os === "linux";
