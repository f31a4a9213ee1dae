/**
 * A stage on AWS as the CLI reaches it, with AWS rights only: what its deploy wrote into one SSM parameter, its bucket
 * and its queue; never the engine. After a teardown the parameter is gone and the bucket is not: then what is stored can
 * still be read.
 */
import { join } from "node:path";
import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import {
  StackOutputs,
  UserError,
  awsUserError,
  exitCodes,
  hatcheryHome,
  loadStageSettings,
  stackOutputsParameter,
  storeAddress,
  workspaceRoot,
} from "@hatchery/config";
import { openMailbox, openStore, type Mailbox } from "@hatchery/experiment";
import type { Io } from "./io.ts";
import { deployCommand, type Stage } from "./stage.ts";

export async function openDeployedStage(name: string, io: Io): Promise<Stage> {
  const region = await connect(name, io);
  const outputs = await readOutputs(name, region);
  const address = outputs?.store ?? (await storeOfAccount(region));
  // What is looked at once is there for the next command, and for whoever opens the report in a browser.
  const store = await openStore(address, { downloads: join(hatcheryHome(), "downloads") });
  if (outputs !== undefined)
    return { name, store, mailbox: await openMailbox(outputs.mailbox), outputs };
  io.say(
    `The stage "${name}" does not stand in ${region}; what is stored is read from ${address}.`,
  );
  const why = notStanding(name, region);
  return { name, store, mailbox: noMailbox(why), notStanding: why };
}

/** Whether a deploy of the stage stands. */
export async function isStanding(name: string, io: Io): Promise<boolean> {
  return (await readOutputs(name, await connect(name, io))) !== undefined;
}

/**
 * Makes AWS_REGION and AWS_PROFILE of the stage's settings those of this process and its children, so that every
 * client's default chain finds them. Answers with the region.
 */
async function connect(name: string, io: Io): Promise<string> {
  const settings = loadStageSettings(name, {
    root: workspaceRoot(),
    environment: io.environment,
  });
  const { AWS_REGION, AWS_PROFILE } = settings;
  if (AWS_REGION !== undefined) process.env["AWS_REGION"] = AWS_REGION;
  if (AWS_PROFILE !== undefined) process.env["AWS_PROFILE"] = AWS_PROFILE;
  try {
    return await new SSMClient({}).config.region();
  } catch (error) {
    throw new UserError(`No AWS region is chosen for the stage "${name}".`, {
      hint: `Write AWS_REGION="us-east-1", or where the stage is, into .env.${name}.\nA stage on this machine is called "local", or "local-…".`,
      exitCode: exitCodes.wrongSettings,
      cause: error,
    });
  }
}

async function readOutputs(name: string, region: string): Promise<StackOutputs | undefined> {
  const parameter = stackOutputsParameter(name);
  let text: string;
  try {
    const answer = await new SSMClient({}).send(new GetParameterCommand({ Name: parameter }));
    text = answer.Parameter!.Value!;
  } catch (error) {
    if ((error as Error).name === "ParameterNotFound") return undefined;
    throw awsUserError(error, `The stage "${name}" in ${region}`) ?? error;
  }
  const outputs = StackOutputs.safeParse(JSON.parse(text));
  if (outputs.success) return outputs.data;
  throw new UserError(
    `The stage "${name}" was deployed by another version: its parameter ${parameter} is not what this one reads (${outputs.error.issues.map(({ path }) => path.join(".")).join(", ")}).`,
    {
      hint: `Deploy it again:  ${deployCommand(name)}`,
      exitCode: exitCodes.stageNotUp,
    },
  );
}

async function storeOfAccount(region: string): Promise<string> {
  try {
    const { Account } = await new STSClient({}).send(new GetCallerIdentityCommand({}));
    return storeAddress({ accountId: Account!, region });
  } catch (error) {
    throw awsUserError(error, "Your AWS account") ?? error;
  }
}

function notStanding(name: string, region: string): UserError {
  return new UserError(`The stage "${name}" does not stand in ${region}.`, {
    hint: `Deploy it:  ${deployCommand(name)}\nor, if it stands elsewhere, set AWS_REGION in .env.${name}.`,
    exitCode: exitCodes.stageNotUp,
  });
}

/** Nobody would take what is posted. */
function noMailbox(why: UserError): Mailbox {
  const refuse = () => Promise.reject(why);
  return { address: "none", post: refuse, take: refuse };
}
