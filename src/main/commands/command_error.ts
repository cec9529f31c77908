/** Exit codes: all is well, something failed or was refused, flags or config are wrong. */
export const EXIT = { well: 0, failed: 1, usage: 2 } as const;

/** Ends a command. Each line of the message says what could not be done, why, and what to do. */
export class CommandError extends Error {
  constructor(message: string, readonly exitCode: 1 | 2 = EXIT.failed) {
    super(message);
    this.name = "CommandError";
  }
}
