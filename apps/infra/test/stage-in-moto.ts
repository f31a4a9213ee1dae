/** What infra makes in AWS for a stage's steward and workers, made in moto by the names in their task definitions. */
import {
  CreateClusterCommand,
  CreateServiceCommand,
  DescribeServicesCommand,
  ECSClient,
  RegisterTaskDefinitionCommand,
} from "@aws-sdk/client-ecs";
import { type BucketLocationConstraint, CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { CreateScheduleCommand, SchedulerClient } from "@aws-sdk/client-scheduler";
import { CreateQueueCommand, SQSClient } from "@aws-sdk/client-sqs";
import type { StewardFleet } from "@hatchery/config";
import { type StageTasks, variable } from "./task-definitions.ts";

export async function makeInMoto({ steward }: StageTasks, region: string) {
  await makeStore(variable(steward, "STORE"), region);
  const fleets = JSON.parse(variable(steward, "FLEETS")) as StewardFleet[];
  for (const { at } of fleets) await makeFleet(at);
  for (const address of variable(steward, "LEASE").split(",")) await makeSchedule(address);
  const QueueName = variable(steward, "MAILBOX").split("/").at(-1);
  const { QueueUrl } = await new SQSClient().send(new CreateQueueCommand({ QueueName }));
  return {
    queueUrl: QueueUrl!,
    /** How many workers the steward wants in the first fleet. */
    desiredWorkers: () => desiredCount(fleets[0]!.at),
  };
}

/** One for all stages of the account. */
async function makeStore(address: string, region: string): Promise<void> {
  const LocationConstraint = region as BucketLocationConstraint;
  const command = new CreateBucketCommand({
    Bucket: new URL(address).host,
    CreateBucketConfiguration: { LocationConstraint },
  });
  await new S3Client({ forcePathStyle: true }).send(command).catch((error: Error) => {
    if (error.name !== "BucketAlreadyOwnedByYou") throw error;
  });
}

const ecs = () => new ECSClient();
const placeOf = (at: string) => at.replace("ecs:", "").split("/") as [string, string];

/** Only its count is of interest: the test starts its tasks. */
async function makeFleet(at: string): Promise<void> {
  const [cluster, serviceName] = placeOf(at);
  await ecs().send(new CreateClusterCommand({ clusterName: cluster }));
  const { taskDefinition } = await ecs().send(
    new RegisterTaskDefinitionCommand({
      family: serviceName,
      containerDefinitions: [{ name: "worker", image: "worker", memory: 512 }],
    }),
  );
  const definition = taskDefinition!.taskDefinitionArn!;
  await ecs().send(
    new CreateServiceCommand({ cluster, serviceName, taskDefinition: definition, desiredCount: 0 }),
  );
}

async function desiredCount(at: string): Promise<number> {
  const [cluster, service] = placeOf(at);
  const { services } = await ecs().send(
    new DescribeServicesCommand({ cluster, services: [service] }),
  );
  return services![0]!.desiredCount!;
}

async function makeSchedule(address: string): Promise<void> {
  const [GroupName, Name] = address.split("/");
  await new SchedulerClient().send(
    new CreateScheduleCommand({
      GroupName,
      Name,
      ScheduleExpression: "at(2099-01-01T00:00:00)",
      FlexibleTimeWindow: { Mode: "OFF" },
      Target: {
        Arn: "arn:aws:scheduler:::aws-sdk:ecs:updateService",
        RoleArn: "arn:aws:iam::123456789012:role/lease",
      },
    }),
  );
}
