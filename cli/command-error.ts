/** An end of a command that a person understands: its message is printed without a stack, its code is the exit code. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  constructor(
    message: string,
    readonly exitCode = 1,
    /** What to do about it, in one line. */
    readonly hint?: string,
  ) {
    super(message);
  }
}
