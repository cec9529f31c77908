/** Whether a program is there to be run; its version is asked for and not looked at. */
export async function isInstalled(program: string, versionFlag = "-v"): Promise<boolean> {
  try {
    await new Deno.Command(program, { args: [versionFlag] }).output();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
