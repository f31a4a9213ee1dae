/**
 * The way to a dashboard that nobody outside reaches: a session of AWS's Session Manager to the steward's task, and from
 * there to the engine. It needs AWS rights and AWS's plugin on this machine; no port is open anywhere.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { DescribeTasksCommand, ECSClient, ListTasksCommand, type Task } from "@aws-sdk/client-ecs";
import { SSMClient, StartSessionCommand } from "@aws-sdk/client-ssm";
import { UserError, awsUserError, exitCodes, type StackOutputs } from "@hatchery/config";
import type { Io } from "./io.ts";
import { logCommand } from "./stage.ts";

const plugin = "session-manager-plugin";
/** Of the ECS service and of its container. */
const steward = "steward";

/** Forwards a port of this machine until Ctrl-C. */
export async function forwardDashboard(outputs: StackOutputs, port: number, io: Io): Promise<void> {
  await checkPlugin();
  const target = await sessionTarget(outputs);
  const request = {
    Target: target,
    DocumentName: "AWS-StartPortForwardingSessionToRemoteHost",
    Parameters: {
      host: [new URL(outputs.EngineAddresses.internalServerUrl).hostname],
      portNumber: ["80"],
      localPortNumber: [String(port)],
    },
  };
  const { SessionId, StreamUrl, TokenValue } = await asking("A session to the steward", () =>
    new SSMClient({}).send(new StartSessionCommand(request)),
  );
  io.say(`Dashboard of stage "${outputs.stage}":  http://localhost:${port}   (Ctrl-C ends it)`);
  const answer = "AWS_SSM_START_SESSION_RESPONSE";
  const profile = process.env["AWS_PROFILE"] ?? "";
  // As AWS's own CLI starts it. The token goes by the environment, which `ps` does not show to others.
  const child = spawn(
    plugin,
    [answer, outputs.region, "StartSession", profile, JSON.stringify(request)],
    {
      // Its talk is not our answer.
      stdio: ["ignore", 2, 2],
      env: { ...process.env, [answer]: JSON.stringify({ SessionId, StreamUrl, TokenValue }) },
    },
  );
  io.interrupted.addEventListener("abort", () => child.kill("SIGINT"));
  const [code] = (await once(child, "exit")) as [number | null];
  if (io.interrupted.aborted) return;
  throw new UserError(`The session ended${code === null ? "" : ` with code ${code}`}.`, {
    hint: `Open it again:  pnpm hatchery dashboard --stage ${outputs.stage}\nWhere port ${port} is taken, choose another:  --port 8090`,
  });
}

async function checkPlugin(): Promise<void> {
  try {
    await once(spawn(plugin, ["--version"], { stdio: "ignore" }), "exit");
  } catch (error) {
    throw new UserError(`AWS's Session Manager plugin, "${plugin}", is not on this machine.`, {
      hint: "Install it:  https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-working-with-install-plugin.html",
      cause: error,
    });
  }
}

/** The steward's container as Session Manager calls it. */
async function sessionTarget({ fleets, stage }: StackOutputs): Promise<string> {
  const cluster = fleets[0]!.cluster;
  const ecs = new ECSClient({});
  const tasks = await asking(`The steward of stage "${stage}"`, async () => {
    const { taskArns = [] } = await ecs.send(
      new ListTasksCommand({ cluster, serviceName: steward, desiredStatus: "RUNNING" }),
    );
    if (taskArns.length === 0) return [];
    return (await ecs.send(new DescribeTasksCommand({ cluster, tasks: taskArns }))).tasks ?? [];
  });
  const [target] = tasks.flatMap((task) => targetOf(cluster, task) ?? []);
  if (target !== undefined) return target;
  throw new UserError(
    `No steward of stage "${stage}" takes a session now, and the way to the dashboard is through it.`,
    {
      hint: `It may just have been started: try again in a minute. Its log:  ${logCommand(stage, steward)}`,
      exitCode: exitCodes.engineUnreachable,
    },
  );
}

/** Undefined as long as its agent for sessions does not run. */
function targetOf(cluster: string, { containers = [], taskArn = "" }: Task): string | undefined {
  const container = containers.find(({ name }) => name === steward);
  const isReady = container?.managedAgents?.some(
    ({ lastStatus, name }) => name === "ExecuteCommandAgent" && lastStatus === "RUNNING",
  );
  if (!isReady || container?.runtimeId === undefined) return undefined;
  return `ecs:${cluster}_${taskArn.split("/").at(-1)}_${container.runtimeId}`;
}

async function asking<T>(what: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw awsUserError(error, what) ?? error;
  }
}
