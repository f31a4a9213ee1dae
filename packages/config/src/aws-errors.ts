/** What AWS refuses, in words and with the next command. Knows the errors by name, so it needs no SDK. */
import { type ExitCode, UserError, exitCodes } from "./errors.ts";

const noCredentials = new Set([
  "CredentialsProviderError",
  "NoCredentialsError",
  "TokenProviderError",
]);
const badCredentials = new Set([
  "ExpiredToken",
  "ExpiredTokenException",
  "RequestExpired",
  "InvalidAccessKeyId",
  "InvalidClientTokenId",
  "InvalidToken",
  "SignatureDoesNotMatch",
  "UnrecognizedClientException",
]);
const notAllowed = new Set([
  "AccessDenied",
  "AccessDeniedException",
  "AllAccessDisabled",
  "UnauthorizedOperation",
  "Forbidden",
]);
const otherRegion = new Set([
  "PermanentRedirect",
  "AuthorizationHeaderMalformed",
  "IllegalLocationConstraintException",
  "301",
]);
const unreachable = new Set([
  "ENOTFOUND",
  "EAI_AGAIN",
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ETIMEDOUT",
  "TimeoutError",
]);

/**
 * The UserError for what a person can put right, else undefined: then the error is a bug or AWS's own.
 * `what` is who asked for what, as a sentence begins: 'The store "s3://…"'.
 */
export function awsUserError(error: unknown, what: string): UserError | undefined {
  if (error instanceof UserError) return error;
  const { name, code, message, $metadata } = error as {
    name?: string;
    code?: string;
    message?: string;
    $metadata?: { httpStatusCode?: number };
  };
  const is = (names: ReadonlySet<string>) => names.has(name ?? "") || names.has(code ?? "");
  const status = $metadata?.httpStatusCode;
  const explained = (reason: string, hint: string, exitCode: ExitCode = exitCodes.notAllowed) =>
    new UserError(`${what} ${reason}`, { hint, exitCode, cause: error });
  if (is(noCredentials))
    return explained(
      "cannot be reached: there are no AWS credentials.",
      "Log in:  aws sso login\nor name a profile of ~/.aws/config by AWS_PROFILE, in the shell or in .env.<stage>.\nFrom the beginning: docs/aws.md#credentials",
    );
  if (is(badCredentials))
    return explained(
      `cannot be reached: AWS does not take these credentials (${name}).`,
      "Log in again:  aws sso login\nand see who you are:  aws sts get-caller-identity",
    );
  if (is(otherRegion) || status === 301)
    return explained(
      "is in another region.",
      "Set AWS_REGION, in the shell or in .env.<stage>, to the region of the stage.",
      exitCodes.wrongSettings,
    );
  if (is(notAllowed) || status === 403)
    return explained(
      `may not be used with these credentials: ${message || name}`,
      "See who you are:  aws sts get-caller-identity\nThe rights that are needed are in docs/aws.md#rights.",
    );
  if (is(unreachable))
    return explained(
      `cannot be reached (${code ?? name}).`,
      "Look at the network, at AWS_REGION and at AWS_ENDPOINT_URL.",
      exitCodes.engineUnreachable,
    );
  return undefined;
}
