import { ProgramUnderTest, runProgram } from "../support/program_under_test.ts";

/** What a command has answered. */
export interface CliAnswer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The lines of standard output, without the one that ends them. */
  readonly lines: readonly string[];
}

/** Runs a command of the program until it ends. */
export async function runCli(
  args: readonly string[],
  options: { readonly env?: Readonly<Record<string, string>>; readonly cwd?: string } = {},
): Promise<CliAnswer> {
  const output = await runProgram(args, options);
  return { ...output, lines: output.stdout.trimEnd().split("\n") };
}

/** Where the admin listener of a program is. */
export async function adminOf(program: ProgramUnderTest): Promise<string> {
  const { admin } = await program.line((line) => line["admin"] !== undefined);
  return String(admin);
}

/** A running program, and a way to run commands against it. */
export class CliBench implements AsyncDisposable {
  readonly program: ProgramUnderTest;
  readonly #admin: string;

  private constructor(program: ProgramUnderTest, admin: string) {
    this.program = program;
    this.#admin = admin;
  }

  static async start(config: Readonly<Record<string, unknown>>): Promise<CliBench> {
    const program = await ProgramUnderTest.start({ config });
    return new CliBench(program, await adminOf(program));
  }

  /** Fetches a path as a client, and waits until it is stored. */
  async fetch(path: string): Promise<void> {
    await (await this.program.fetch(path)).text();
    await this.program.stored(path);
  }

  /** Runs a command against the program. */
  run(command: string, ...args: readonly string[]): Promise<CliAnswer> {
    const place = ["--config", this.program.configFile, "--admin", this.#admin];
    return runCli([command, ...args, ...place]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
  }
}
