import { join } from "@std/path";
import { Origin } from "../support/origin.ts";

/** A mirror on loopback that has the files of a folder, and gives them whole. */
export function fileOrigin(folder: string): Origin {
  return new Origin(async ({ target }) => {
    try {
      const file = join(folder, decodeURIComponent(target.replace(/\?.*$/, "")));
      return new Response(await Deno.readFile(file));
    } catch {
      return new Response("not here", { status: 404 });
    }
  });
}
