/** What a program says of its version: the first group of the pattern, "?" where it says nothing. */
export async function versionOf(
  program: string,
  args: readonly string[],
  pattern: RegExp,
): Promise<string> {
  const { stdout, stderr } = await new Deno.Command(program, { args: [...args] }).output();
  const decoder = new TextDecoder();
  return pattern.exec(decoder.decode(stdout) + decoder.decode(stderr))?.[1] ?? "?";
}
