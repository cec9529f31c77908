/**
 * How many files below a directory this process has open: its descriptors, as Linux lists them.
 * Another process looks, since the runtime guards that folder. Tests that count are skipped
 * elsewhere.
 */
export async function openFiles(directory: string): Promise<number> {
  const listing = new Deno.Command("ls", { args: ["-l", `/proc/${Deno.pid}/fd`], stderr: "null" });
  const { stdout } = await listing.output();
  const lines = new TextDecoder().decode(stdout).split("\n");
  return lines.filter((line) => line.includes(` -> ${directory}/`)).length;
}

/** Whether `openFiles` works here. */
export const CAN_COUNT_OPEN_FILES = Deno.build.os === "linux";
