import { join } from "@std/path";

/** Where Debian puts servers; the PATH of who is not root lacks them. */
const SERVER_FOLDERS = ["/usr/sbin", "/sbin"];

/** Lets programs be found that are for administrators. */
export function extendPath(): void {
  Deno.env.set("PATH", [Deno.env.get("PATH") ?? "", ...SERVER_FOLDERS].join(":"));
}

/** Whether a program is on the PATH. It is not run: some take any flag for the wish to serve. */
export function isThere(program: string): boolean {
  const folders = (Deno.env.get("PATH") ?? "").split(":").filter((folder) => folder !== "");
  return folders.some((folder) => {
    try {
      return Deno.statSync(join(folder, program)).isFile;
    } catch {
      return false;
    }
  });
}
