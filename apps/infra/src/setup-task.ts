/** Runs the setup job's task and waits for its end: what it is told, and what its end means. */
import { setTimeout as sleep } from "node:timers/promises";
import { CloudWatchLogsClient, GetLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import {
  type Container,
  type ContainerDefinition,
  DescribeTaskDefinitionCommand,
  DescribeTasksCommand,
  ECSClient,
  RunTaskCommand,
  StopTaskCommand,
  type Task,
} from "@aws-sdk/client-ecs";
import { UserError, exitCodes } from "@hatchery/config";
import { z } from "zod";
import { asking, isAbsent } from "./account/aws-errors.ts";

const list = z
  .string()
  .min(1)
  .transform((value) => value.split(","));

// Written by apps/infra/src/setup.ts; read by apps/infra/src/run-setup.ts.
export const SetupTask = z.object({
  SETUP_CLUSTER: z.string().min(1).describe("Name or ARN of the ECS cluster."),
  SETUP_TASK_DEFINITION: z.string().min(1).describe("ARN of the task definition, with revision."),
  SETUP_SUBNETS: list.describe("Ids of subnets, separated by commas."),
  SETUP_SECURITY_GROUPS: list.describe("Ids of security groups, separated by commas."),
  SETUP_PUBLIC_ADDRESS: z
    .stringbool()
    .describe("Whether the task has a public address: on public subnets it needs one."),
  SETUP_MINUTES: z.coerce
    .number()
    .positive()
    .default(20)
    .describe("How long it may take, the start of its containers included."),
});
export type SetupTask = z.infer<typeof SetupTask>;

interface Clients {
  readonly ecs: ECSClient;
  readonly logs: CloudWatchLogsClient;
  /** Between two looks; ECS changes state in seconds. */
  readonly lookEveryMs?: number;
}

/** How many of a container's last lines are shown. */
const shownLines = 30;

/** Resolves when every container has ended with 0; throws a UserError with reasons and last lines otherwise. */
export async function runSetupTask(
  setup: SetupTask,
  clients: Clients = { ecs: new ECSClient({}), logs: new CloudWatchLogsClient({}) },
): Promise<void> {
  const deadline = Date.now() + setup.SETUP_MINUTES * 60_000;
  const arn = await start(setup, clients, deadline);
  const task = await ended(setup, arn, clients, deadline);
  const failures = taskFailures(task);
  if (failures.length === 0) return;
  const lines = await lastLines(setup, task, clients);
  throw new UserError(
    ["The setup job failed.", "", ...failures.map((each) => `  ${each}`), ...lines].join("\n"),
    {
      hint: "What it means: docs/aws-troubleshooting.md#the-setup-job. Deploy again once it is mended: the job can be repeated any number of times.",
    },
  );
}

async function start(setup: SetupTask, clients: Clients, deadline: number): Promise<string> {
  for (;;) {
    const { failures = [], tasks = [] } = await asking("The setup job", () =>
      clients.ecs.send(
        new RunTaskCommand({
          cluster: setup.SETUP_CLUSTER,
          taskDefinition: setup.SETUP_TASK_DEFINITION,
          launchType: "FARGATE",
          propagateTags: "TASK_DEFINITION",
          startedBy: "hatchery-setup",
          networkConfiguration: {
            awsvpcConfiguration: {
              subnets: setup.SETUP_SUBNETS,
              securityGroups: setup.SETUP_SECURITY_GROUPS,
              assignPublicIp: setup.SETUP_PUBLIC_ADDRESS ? "ENABLED" : "DISABLED",
            },
          },
        }),
      ),
    );
    const arn = tasks[0]?.taskArn;
    if (arn !== undefined) return arn;
    const reasons = failures.map((failure) => failure.reason ?? "no reason given").join(", ");
    // Fargate is out of capacity now and then, for minutes.
    if (!/capacity/i.test(reasons) || Date.now() > deadline)
      throw new UserError(`The setup job could not be started: ${reasons || "no reason given"}.`);
    await sleep(clients.lookEveryMs ?? 15_000);
  }
}

async function ended(
  setup: SetupTask,
  arn: string,
  { ecs, lookEveryMs = 3_000 }: Clients,
  deadline: number,
): Promise<Task> {
  const which = { cluster: setup.SETUP_CLUSTER, tasks: [arn] };
  for (;;) {
    const { tasks = [] } = await ecs.send(new DescribeTasksCommand(which));
    const [task] = tasks;
    if (task?.lastStatus === "STOPPED") return task;
    if (Date.now() > deadline) {
      const reason = `not done after ${setup.SETUP_MINUTES} minutes`;
      await ecs.send(new StopTaskCommand({ cluster: setup.SETUP_CLUSTER, task: arn, reason }));
      throw new UserError(
        `The setup job was stopped: ${reason}; it was ${task?.lastStatus ?? "not listed"}${task?.stoppedReason ? `, ${task.stoppedReason}` : ""}.`,
        {
          hint: "A task that stays PENDING cannot pull its image or read its secrets: docs/aws-troubleshooting.md#the-setup-job",
          exitCode: exitCodes.workFailed,
        },
      );
    }
    await sleep(lookEveryMs);
  }
}

/** What of a stopped task did not end as it should, in sentences; empty when all is well. */
export function taskFailures(task: Task): string[] {
  const containers = task.containers ?? [];
  const failures = containers.flatMap(({ exitCode, name, reason }: Container) => {
    if (exitCode === 0) return [];
    const end = exitCode === undefined ? "never ran" : `ended with code ${exitCode}`;
    return [`container "${name}" ${end}${reason === undefined ? "" : `: ${reason}`}`];
  });
  if (containers.length === 0) failures.push("the task has no container");
  // How a task ends whose containers did: any other reason is somebody's, or Fargate's.
  const isOrdinary =
    (task.stopCode === undefined || task.stopCode === "EssentialContainerExited") &&
    (!task.stoppedReason || task.stoppedReason.startsWith("Essential container in task exited"));
  if (!isOrdinary)
    failures.unshift(
      `the task was stopped: ${task.stoppedReason ?? "no reason given"} (${task.stopCode ?? "no code"})`,
    );
  return failures;
}

/** The last lines of the containers that failed, where there are any. */
async function lastLines(setup: SetupTask, task: Task, { ecs, logs }: Clients): Promise<string[]> {
  const { taskDefinition } = await ecs.send(
    new DescribeTaskDefinitionCommand({ taskDefinition: setup.SETUP_TASK_DEFINITION }),
  );
  const taskId = task.taskArn?.split("/").at(-1) ?? "";
  const shown: string[] = [];
  for (const { exitCode, name } of task.containers ?? []) {
    if (exitCode === 0 || exitCode === undefined) continue;
    const container = taskDefinition?.containerDefinitions?.find((each) => each.name === name);
    const place = container && logPlace(container, taskId);
    if (place === undefined) continue;
    const lines = await tail(logs, place);
    shown.push("", `Last lines of "${name}" (${place.logGroupName}):`);
    shown.push(...(lines.length === 0 ? ["  none"] : lines.map((line) => `  ${line}`)));
  }
  return shown;
}

interface LogPlace {
  readonly logGroupName: string;
  readonly logStreamName: string;
}

function logPlace(container: ContainerDefinition, taskId: string): LogPlace | undefined {
  const options = container.logConfiguration?.options;
  const logGroupName = options?.["awslogs-group"];
  const prefix = options?.["awslogs-stream-prefix"];
  if (logGroupName === undefined || prefix === undefined) return undefined;
  return { logGroupName, logStreamName: `${prefix}/${container.name}/${taskId}` };
}

async function tail(logs: CloudWatchLogsClient, place: LogPlace): Promise<string[]> {
  try {
    const { events = [] } = await logs.send(
      new GetLogEventsCommand({ ...place, limit: shownLines, startFromHead: false }),
    );
    return events.map((event) => (event.message ?? "").trimEnd());
  } catch (error) {
    // A container that died before its first line has no stream.
    if (isAbsent(error)) return [];
    return [`the log cannot be read: ${(error as Error).message}`];
  }
}
