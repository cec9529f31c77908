/** A folder of its own; `await using` removes it with all that is in it. */
export async function tempDir(): Promise<AsyncDisposable & { readonly path: string }> {
  // Without links in it, so that paths can be compared.
  const path = await Deno.realPath(await Deno.makeTempDir());
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}
