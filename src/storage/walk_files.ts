import { join } from "@std/path";

/**
 * The regular files below a folder, as paths relative to the root, with `/`. Symbolic links are
 * passed over, so that the walk neither leaves the folder nor goes in circles. What disappears
 * meanwhile is passed over as well.
 *
 * In memory at a time: the names of one folder, and the folders still to come.
 *
 * @param root Absolute.
 * @param folder Relative to the root; empty: the root itself.
 * @param skip A folder, relative to the root, that is not entered.
 * @param onError Told of a folder that cannot be read; the walk goes on.
 */
export async function* walkFiles(
  root: string,
  folder: string,
  skip: string | null,
  onError: (error: unknown) => void,
): AsyncGenerator<string> {
  const folders = [folder];
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    try {
      for await (const { name, isFile, isDirectory } of Deno.readDir(join(root, next))) {
        const path = next === "" ? name : `${next}/${name}`;
        if (isFile) yield path;
        else if (isDirectory && path !== skip) folders.push(path);
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) onError(error);
    }
  }
}
