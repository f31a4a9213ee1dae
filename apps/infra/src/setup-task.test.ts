import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  PutLogEventsCommand,
} from "@aws-sdk/client-cloudwatch-logs";
import {
  CreateSecurityGroupCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  EC2Client,
  ModifyVpcAttributeCommand,
} from "@aws-sdk/client-ec2";
import {
  CreateClusterCommand,
  type DescribeTasksCommandOutput,
  DescribeTasksCommand,
  ECSClient,
  ListTasksCommand,
  RegisterTaskDefinitionCommand,
  StopTaskCommand,
} from "@aws-sdk/client-ecs";
import { type Moto, startMoto } from "@hatchery/moto";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { SetupTask, runSetupTask, taskFailures } from "./setup-task.ts";

const group = "/hatchery/mystage/setup";
let moto: Moto;
let given: Record<string, string>;

beforeAll(async () => {
  moto = await startMoto();
  for (const [name, value] of Object.entries(moto.environment)) vi.stubEnv(name, value);
  given = await standSetupTask();
}, 300_000);
afterAll(async () => {
  vi.unstubAllEnvs();
  await moto.stop();
});
afterEach(() => setTransition({ progression: "manual", times: 1 }));

/** Cluster, network and task definition, as the deploy has made them when the job runs. */
async function standSetupTask(): Promise<Record<string, string>> {
  const ecs = new ECSClient({});
  const ec2 = new EC2Client({});
  await ecs.send(new CreateClusterCommand({ clusterName: "mystage" }));
  const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: "10.0.0.0/16" }));
  const VpcId = Vpc?.VpcId;
  await ec2.send(new ModifyVpcAttributeCommand({ VpcId, EnableDnsHostnames: { Value: true } }));
  const { Subnet } = await ec2.send(new CreateSubnetCommand({ VpcId, CidrBlock: "10.0.0.0/24" }));
  const { GroupId } = await ec2.send(
    new CreateSecurityGroupCommand({ VpcId, GroupName: "setup", Description: "setup" }),
  );
  const { taskDefinition } = await ecs.send(
    new RegisterTaskDefinitionCommand({
      family: "setup",
      networkMode: "awsvpc",
      requiresCompatibilities: ["FARGATE"],
      cpu: "256",
      memory: "512",
      containerDefinitions: [
        {
          name: "migrate",
          image: `hatchet-migrate@sha256:${"0".repeat(64)}`,
          memory: 256,
          logConfiguration: {
            logDriver: "awslogs",
            options: {
              "awslogs-group": group,
              "awslogs-region": "eu-central-1",
              "awslogs-stream-prefix": "setup",
            },
          },
        },
      ],
    }),
  );
  return {
    SETUP_CLUSTER: "mystage",
    SETUP_TASK_DEFINITION: taskDefinition?.taskDefinitionArn ?? "",
    SETUP_SUBNETS: Subnet?.SubnetId ?? "",
    SETUP_SECURITY_GROUPS: GroupId ?? "",
    SETUP_PUBLIC_ADDRESS: "false",
  };
}

/** How moto's tasks go from state to state. */
async function setTransition(transition: Record<string, unknown>): Promise<void> {
  const answer = await fetch(`${moto.endpoint}/moto-api/state-manager/set-transition`, {
    method: "POST",
    body: JSON.stringify({ model_name: "ecs::task", transition }),
  });
  expect(answer.ok).toBe(true);
}

async function program(environment: Record<string, string>) {
  const child = spawn(process.execPath, [join(import.meta.dirname, "run-setup.ts")], {
    env: { PATH: process.env["PATH"], ...moto.environment, ...environment },
  });
  const [said, out, code] = await Promise.all([
    text(child.stderr),
    text(child.stdout),
    new Promise<number | null>((resolve) => child.once("exit", resolve)),
  ]);
  return { said, out, code };
}

/** Clients of moto, whose DescribeTasks answers as AWS does for a container that ended so: moto's always end with 0. */
function clientsWhereContainerEnds(exitCode: number) {
  const ecs = new ECSClient({});
  ecs.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const { tasks } = result.output as DescribeTasksCommandOutput;
      for (const container of tasks?.[0]?.containers ?? []) container.exitCode = exitCode;
      return result;
    },
    { step: "initialize", name: "container ends" },
  );
  return { ecs, logs: new CloudWatchLogsClient({}), lookEveryMs: 10 };
}

describe("the setup job", () => {
  test("that ends well is one line and exit code 0", async () => {
    const { code, out, said } = await program(given);
    expect(said).toBe("");
    expect(out).toMatch(/^Setup job done in \d+ s\.\n$/);
    expect(code).toBe(0);
  });

  test("whose container fails is told with its name, its code and its last lines", async () => {
    const logs = new CloudWatchLogsClient({});
    await logs.send(new CreateLogGroupCommand({ logGroupName: group }));
    const clients = clientsWhereContainerEnds(1);
    clients.ecs.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args);
        const arn = (result.output as DescribeTasksCommandOutput).tasks?.[0]?.taskArn;
        // The container has logged by the time that its task has an end.
        if (arn !== undefined) await log(logs, arn.split("/").at(-1) ?? "");
        return result;
      },
      { step: "initialize", name: "container logs" },
    );
    const failure = await runSetupTask(SetupTask.parse(given), clients).catch(
      (error: Error) => error,
    );
    expect(failure).toMatchObject({ name: "UserError", exitCode: 1 });
    expect((failure as Error).message).toContain('container "migrate" ended with code 1');
    expect((failure as Error).message).toContain(`Last lines of "migrate" (${group}):`);
    expect((failure as Error).message).toContain("  permission denied for schema public");
    // Thirty lines, the last ones.
    expect((failure as Error).message).toContain("  line 39");
    expect((failure as Error).message).not.toContain("  line 9\n");
  });

  test("that somebody stops has failed, whatever its containers say", async () => {
    await setTransition({ progression: "manual", times: 1_000 });
    const running = program(given);
    const ecs = new ECSClient({});
    const arn = await vi.waitFor(
      async () => {
        const { taskArns = [] } = await ecs.send(new ListTasksCommand({ cluster: "mystage" }));
        for (const task of taskArns) {
          const { tasks } = await ecs.send(
            new DescribeTasksCommand({ cluster: "mystage", tasks: [task] }),
          );
          if (tasks?.[0]?.lastStatus === "RUNNING") return task;
        }
        throw new Error("no task runs yet");
      },
      { timeout: 20_000 },
    );
    await ecs.send(new StopTaskCommand({ cluster: "mystage", task: arn, reason: "by hand" }));
    const { code, said } = await running;
    expect(said).toContain("the task was stopped: by hand");
    expect(code).toBe(1);
  });

  test("that takes too long is stopped, and has failed", async () => {
    await setTransition({ progression: "manual", times: 1_000 });
    const { code, said } = await program({ ...given, SETUP_MINUTES: "0.001" });
    expect(said).toContain(
      "The setup job was stopped: not done after 0.001 minutes; it was RUNNING",
    );
    expect(code).toBe(1);
  });

  test("without what the deploy gives it names everything that is missing", async () => {
    const { code, said } = await program({ SETUP_CLUSTER: "mystage" });
    expect(code).toBe(1);
    for (const name of Object.keys(given).slice(1)) expect(said).toContain(name);
  });
});

async function log(logs: CloudWatchLogsClient, taskId: string): Promise<void> {
  const place = { logGroupName: group, logStreamName: `setup/migrate/${taskId}` };
  try {
    await logs.send(new CreateLogStreamCommand(place));
  } catch {
    return;
  }
  const messages = Array.from({ length: 40 }, (_, i) => `line ${i}`);
  await logs.send(
    new PutLogEventsCommand({
      ...place,
      logEvents: [...messages, "permission denied for schema public"].map((message, i) => ({
        message,
        timestamp: Date.now() + i,
      })),
    }),
  );
}

/** Answers of DescribeTasks as the ECS developer guide has them under "stopped task error codes". */
describe("the end of a task", () => {
  test.for([
    [{ containers: [{ name: "a", exitCode: 0 }], stopCode: "EssentialContainerExited" }, 0],
    [
      {
        containers: [
          { name: "a", exitCode: 0 },
          { name: "b", exitCode: 0 },
        ],
        stopCode: "EssentialContainerExited",
        stoppedReason: "Essential container in task exited",
      },
      0,
    ],
    [{ containers: [{ name: "a", exitCode: 137, reason: "OutOfMemoryError" }] }, 1],
    [
      {
        containers: [{ name: "a", reason: "CannotPullContainerError: ref pull has been retried" }],
        stopCode: "TaskFailedToStart",
        stoppedReason: "CannotPullContainerError: ref pull has been retried",
      },
      2,
    ],
    // The second waits for the success of the first and never runs.
    [{ containers: [{ name: "a", exitCode: 2 }, { name: "b" }] }, 2],
    [{ containers: [{ name: "a", exitCode: 0 }], stopCode: "UserInitiated" }, 1],
    [{ containers: [{ name: "a", exitCode: 0 }], stopCode: "SpotInterruption" }, 1],
    [{ containers: [] }, 1],
    [{}, 1],
  ] as const)("%j has %i failures", ([task, count]) => {
    expect(taskFailures(task as Parameters<typeof taskFailures>[0])).toHaveLength(count);
  });
});
