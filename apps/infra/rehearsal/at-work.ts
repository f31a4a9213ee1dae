/** What a stage's own programs do between two deploys, which the second must leave as it is. */
import { ECSClient, UpdateServiceCommand } from "@aws-sdk/client-ecs";
import {
  GetScheduleCommand,
  SchedulerClient,
  UpdateScheduleCommand,
} from "@aws-sdk/client-scheduler";
import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import { openStore } from "@hatchery/experiment";
import { secretName } from "@hatchery/config";
import { type Stage, readServices } from "./stage.ts";

const workers = 3;
/** A day on, which no deploy would write. */
const leaseEnd = `at(${new Date(Date.now() + 86_400_000).toISOString().slice(0, 19)})`;
const setupWrites = ["engine-keys", "worker-token"] as const;
const writtenAs = (name: string) => `written by the setup job as ${name}`;
const key = "experiments/rehearsal/kept";

/** The steward grows its fleets and moves the lease on, the setup job writes its secrets, a worker a result. */
export async function work(stage: Stage): Promise<void> {
  const [ecs, scheduler, secrets] = [
    new ECSClient({}),
    new SchedulerClient({}),
    new SecretsManagerClient({}),
  ];
  for (const { cluster, service } of stage.outputs.fleets)
    await ecs.send(new UpdateServiceCommand({ cluster, service, desiredCount: workers }));
  for (const which of schedules(stage)) {
    const { FlexibleTimeWindow, Target, Description } = await scheduler.send(
      new GetScheduleCommand(which),
    );
    await scheduler.send(
      new UpdateScheduleCommand({
        ...which,
        FlexibleTimeWindow,
        Target,
        Description,
        ScheduleExpression: leaseEnd,
      }),
    );
  }
  for (const name of setupWrites)
    await secrets.send(
      new PutSecretValueCommand({
        SecretId: secretName(stage.name, name),
        SecretString: writtenAs(name),
      }),
    );
  const store = await openStore(stage.outputs.store);
  await store.create(key, "kept");
}

/** Of all that, what is no longer so. */
export async function undone(stage: Stage): Promise<string[]> {
  const [scheduler, secrets] = [new SchedulerClient({}), new SecretsManagerClient({})];
  const found: string[] = [];
  for (const { desiredCount, serviceName } of await readServices(stage.name))
    if (serviceName?.startsWith("fleet-") && desiredCount !== workers)
      found.push(`${serviceName} has ${desiredCount} workers`);
  for (const which of schedules(stage)) {
    const { ScheduleExpression } = await scheduler.send(new GetScheduleCommand(which));
    if (ScheduleExpression !== leaseEnd) found.push(`the lease ends ${ScheduleExpression}`);
  }
  for (const name of setupWrites) {
    const SecretId = secretName(stage.name, name);
    const { SecretString } = await secrets.send(new GetSecretValueCommand({ SecretId }));
    if (SecretString !== writtenAs(name)) found.push(`${SecretId} has another value`);
  }
  return found;
}

/** The result that a worker has written, when it is still in the store. */
export async function keptResult(stage: Stage): Promise<boolean> {
  const store = await openStore(stage.outputs.store);
  return (await store.list(key)).length === 1;
}

const schedules = ({ outputs }: Stage) =>
  outputs.leaseSchedule.split(",").map((address) => {
    const [GroupName, Name] = address.split("/");
    return { GroupName, Name };
  });
