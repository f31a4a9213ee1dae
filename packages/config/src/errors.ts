/** What a person sees when something expected goes wrong, and the exit code a script sees. */

/** Exit codes of every command. Read by scripts: changing one is a breaking change. */
export const exitCodes = {
  ok: 0,
  /** The work itself failed: simulations failed or are missing, leftovers were found. */
  workFailed: 1,
  wrongUsage: 2,
  wrongSettings: 3,
  notAllowed: 4,
  /** The stage is not up, or there is no such stage. */
  stageNotUp: 5,
  engineUnreachable: 6,
  bug: 70,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/**
 * An expected error: printed as `message`, then `hint`, never with a stack.
 * The message says what is wrong, where, what was found and what is allowed; the hint is what to do next,
 * as a command where there is one. Anything else that is thrown is a bug.
 */
export class UserError extends Error {
  override readonly name = "UserError";
  readonly hint: string | undefined;
  readonly exitCode: ExitCode;

  constructor(
    message: string,
    options: { hint?: string; exitCode?: ExitCode; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.hint = options.hint;
    this.exitCode = options.exitCode ?? exitCodes.workFailed;
  }
}
