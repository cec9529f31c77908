import { killAllChildren } from "./child.ts";

/** Of a shell: ended by SIGINT. */
const INTERRUPTED = 130;

/**
 * Runs with a temporary folder, which goes at the end. When it is interrupted, so do all children.
 */
export async function withOwnFolder<Result>(
  prefix: string,
  run: (folder: string) => Promise<Result>,
): Promise<Result> {
  const folder = await Deno.makeTempDir({ prefix });
  // Of the root: servers that go on as another user have to get to their folders.
  await Deno.chmod(folder, 0o755);
  const end = (): void => {
    killAllChildren();
    Deno.removeSync(folder, { recursive: true });
    Deno.exit(INTERRUPTED);
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, end);
  try {
    return await run(folder);
  } finally {
    for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.removeSignalListener(signal, end);
    await Deno.remove(folder, { recursive: true });
  }
}
