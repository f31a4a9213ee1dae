/** Who pays, and where: the account and region that the settings and the AWS configuration lead to. */
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { type AwsPlace, type StageSettings, UserError, exitCodes } from "@hatchery/config";
import { asking } from "./aws-errors.ts";

export interface Account extends AwsPlace {
  /** Whom AWS takes us for. */
  readonly arn: string;
}

/**
 * Makes AWS_REGION and AWS_PROFILE of the settings those of this process, so that every client here and `sst` below use
 * the same ones, and asks AWS who we are.
 */
export async function signIn(
  settings: Pick<StageSettings, "AWS_PROFILE" | "AWS_REGION">,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Account> {
  if (settings.AWS_PROFILE !== undefined) environment["AWS_PROFILE"] = settings.AWS_PROFILE;
  if (settings.AWS_REGION !== undefined) environment["AWS_REGION"] = settings.AWS_REGION;
  const sts = new STSClient({});
  const region = await regionOf(sts);
  // For sst, which does not read the region of a profile.
  environment["AWS_REGION"] = region;
  const { Account: accountId = "", Arn: arn = "" } = await asking(
    `Your AWS account in "${region}"`,
    () => sts.send(new GetCallerIdentityCommand({})),
  );
  return { accountId, region, arn };
}

async function regionOf(sts: STSClient): Promise<string> {
  try {
    return await sts.config.region();
  } catch (error) {
    throw new UserError("No AWS region is chosen.", {
      hint: 'Write AWS_REGION="us-east-1", or another one near you, into .env.<stage>.',
      exitCode: exitCodes.notAllowed,
      cause: error,
    });
  }
}
