/** What AWS refuses, in our words: by the error's name, never by its text. The original stays as `cause`. */
import { UserError, exitCodes } from "@hatchery/config";

const signIn =
  "Sign in, for example with:  aws sso login --profile <name>\nand name the profile as AWS_PROFILE in .env.<stage>. More in docs/aws.md.";

const meanings: readonly { names: RegExp; message: (what: string) => string; hint: string }[] = [
  {
    names: /^(CredentialsProviderError|NoCredentials|TokenProviderError)$/,
    message: () => "No credentials for AWS were found.",
    hint: signIn,
  },
  {
    names: /^(Expired|RequestExpired|TokenRefreshRequired|ExpiredToken|ExpiredTokenException)/,
    message: () => "The credentials for AWS have expired.",
    hint: signIn,
  },
  {
    names:
      /^(InvalidClientTokenId|UnrecognizedClientException|SignatureDoesNotMatch|AuthFailure|InvalidAccessKeyId|InvalidSignatureException|InvalidIdentityToken.*)$/,
    message: () => "AWS does not accept the credentials.",
    hint: signIn,
  },
  {
    names: /^(AccessDenied|AccessDeniedException|UnauthorizedOperation|AuthorizationError)$/,
    message: (what) => `AWS does not allow you ${what}.`,
    hint: "Ask whoever administers the account for the policy that this prints:  pnpm --filter infra run policy",
  },
  {
    names: /^(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|TimeoutError|NetworkingError)$/,
    message: (what) => `AWS cannot be reached ${what}.`,
    hint: "Look whether this machine is online, and whether AWS_REGION is a region that exists.",
  },
];

/** Runs a call to AWS. `what` ends the sentence "AWS does not allow you …": "to list load balancers". */
export async function asking<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw inOurWords(error, what);
  }
}

function inOurWords(error: unknown, what: string): unknown {
  if (error instanceof UserError || !(error instanceof Error)) return error;
  const names = [error.name, (error as { code?: unknown }).code].filter(
    (name) => typeof name === "string",
  );
  const meaning = meanings.find((each) => names.some((name) => each.names.test(name)));
  if (meaning === undefined) return error;
  return new UserError(meaning.message(what), {
    hint: meaning.hint,
    exitCode: exitCodes.notAllowed,
    cause: error,
  });
}

/** Whether AWS says that a thing is not there, which is success for whoever wants it gone. */
export function isAbsent(error: unknown): boolean {
  return (
    error instanceof Error &&
    /(NotFound|NoSuch|DoesNotExist|NonExistent|404)/i.test(error.name + (codeOf(error) ?? ""))
  );
}

function codeOf(error: Error): string | undefined {
  const { code } = error as { code?: unknown };
  return typeof code === "string" ? code : undefined;
}
