/** A stage as AWS's own APIs answer it: read once after a deploy, then looked at by every check. */
import {
  DescribeServicesCommand,
  DescribeTaskDefinitionCommand,
  ECSClient,
  type Service,
  type TaskDefinition,
  paginateListServices,
  paginateListTaskDefinitions,
} from "@aws-sdk/client-ecs";
import {
  GetSecretValueCommand,
  SecretsManagerClient,
  paginateListSecrets,
} from "@aws-sdk/client-secrets-manager";
import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { StackOutputs, type StageSettings, stackOutputsParameter } from "@hatchery/config";
import { isAbsent } from "../src/account/aws-errors.ts";
import type { Account } from "../src/account/sign-in.ts";
import { all } from "../src/account/left/scope.ts";
import { must, some } from "./check.ts";
import { secretTexts } from "./secret-texts.ts";

export interface StageSecretAnswer {
  readonly name: string;
  readonly arn: string;
  /** Nothing where nobody has written one yet. */
  readonly value: string | undefined;
  readonly version: string | undefined;
}

export interface Stage {
  readonly name: string;
  readonly settings: StageSettings;
  readonly account: Account;
  readonly services: readonly Service[];
  /** By the name of the part: setup, engine, steward, fleet-default… */
  readonly definitions: Readonly<Record<string, TaskDefinition>>;
  readonly secrets: readonly StageSecretAnswer[];
  /** Every text of them that must be nowhere else. */
  readonly secretTexts: readonly string[];
  /** As it is in the parameter. */
  readonly outputsText: string;
  readonly outputs: StackOutputs;
}

export async function readStage(
  name: string,
  settings: StageSettings,
  account: Account,
): Promise<Stage> {
  const [services, definitions, secrets, outputsText, passphrase] = await Promise.all([
    readServices(name),
    readDefinitions(name),
    readSecrets(name),
    readParameter(stackOutputsParameter(name)),
    readParameter(`/sst/passphrase/hatchery/${name}`),
  ]);
  const parsed = StackOutputs.safeParse(parseJson(outputsText));
  must(parsed.success, "The parameter with the outputs is not what the CLI reads.", outputsText);
  const values = secrets.flatMap(({ value }) => value ?? []);
  return {
    name,
    settings,
    account,
    services,
    definitions,
    secrets,
    secretTexts: secretTexts([...values, passphrase]),
    outputsText,
    outputs: parsed.data,
  };
}

export async function readServices(stage: string): Promise<Service[]> {
  const client = new ECSClient({});
  const cluster = `hatchery-${stage}`;
  const arns = await all(paginateListServices({ client }, { cluster }), (page) => page.serviceArns);
  const { services = [] } = await client.send(
    new DescribeServicesCommand({ cluster, services: [...some(arns, "service")] }),
  );
  return services;
}

/** The newest revision of each family of the stage. */
async function readDefinitions(stage: string): Promise<Record<string, TaskDefinition>> {
  const client = new ECSClient({});
  const arns = await all(
    paginateListTaskDefinitions({ client }, { status: "ACTIVE", sort: "ASC" }),
    (page) => page.taskDefinitionArns,
  );
  const prefix = `hatchery-${stage}-`;
  const definitions: Record<string, TaskDefinition> = {};
  for (const arn of arns.filter((each) => each.includes(`:task-definition/${prefix}`))) {
    const { taskDefinition = {} } = await client.send(
      new DescribeTaskDefinitionCommand({ taskDefinition: arn }),
    );
    const part = taskDefinition.family?.slice(prefix.length) ?? "";
    if ((definitions[part]?.revision ?? 0) < (taskDefinition.revision ?? 0))
      definitions[part] = taskDefinition;
  }
  return definitions;
}

async function readSecrets(stage: string): Promise<StageSecretAnswer[]> {
  const client = new SecretsManagerClient({});
  const Values = [`hatchery/${stage}/`];
  const listed = await all(
    paginateListSecrets({ client }, { Filters: [{ Key: "name", Values }] }),
    (page) => page.SecretList,
  );
  return Promise.all(
    listed.map(async ({ ARN = "", Name = "" }) => ({
      name: Name,
      arn: ARN,
      ...(await secretValue(client, Name)),
    })),
  );
}

async function secretValue(client: SecretsManagerClient, SecretId: string) {
  try {
    const found = await client.send(new GetSecretValueCommand({ SecretId }));
    return { value: found.SecretString, version: found.VersionId };
  } catch (error) {
    if (!isAbsent(error)) throw error;
    return { value: undefined, version: undefined };
  }
}

async function readParameter(Name: string): Promise<string> {
  const { Parameter } = await new SSMClient({}).send(
    new GetParameterCommand({ Name, WithDecryption: true }),
  );
  return Parameter?.Value ?? "";
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
