/**
 * The setup job: migrates the database, makes the engine's keys once, its tenant and administrator, and the workers'
 * token. One task that the deploy starts and waits for; it may run any number of times.
 */
import { adminEmail, setupJob, workspaceRoot } from "@hatchery/config";
import { cluster, placed } from "./cluster.ts";
import { database } from "./database.ts";
import { containerOf, engine, places, sharedVolume } from "./engine-programs.ts";
import { groups } from "./network.ts";
import { region, settings, stage } from "./settings.ts";
import { defineTask } from "./task.ts";

const job = setupJob({
  stage,
  engine,
  adminEmail: adminEmail(settings),
  ...(settings.OVERWRITE_CONFIG && { keysGeneration: new Date().toISOString() }),
});

export const setup = defineTask("setup", {
  cpu: "0.5 vCPU",
  memory: "1 GB",
  architecture: settings.WORKER_ARCHITECTURE,
  volumes: [sharedVolume],
  permissions: [
    {
      actions: ["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"],
      resources: job.readsAndWrites.flatMap((name) => places[name]?.arn ?? []),
    },
  ],
  containers: job.containers.map(containerOf),
});

const placement = placed(groups.setup);

export const setupRun = new command.local.Command(
  "SetupRun",
  {
    // The workspace's own Node, whatever the machine has.
    create: "node_modules/.bin/node apps/infra/src/run-setup.ts",
    dir: workspaceRoot(),
    environment: {
      AWS_REGION: region,
      SETUP_CLUSTER: cluster.name,
      SETUP_TASK_DEFINITION: setup.definition.arn,
      SETUP_SUBNETS: placement.subnets.apply((ids) => ids.join(",")),
      SETUP_SECURITY_GROUPS: groups.setup.id,
      SETUP_PUBLIC_ADDRESS: String(placement.assignPublicIp),
    },
    // A new revision is anything that the job depends on. Once in a month anyway, so that no token nears its end.
    triggers: [setup.definition.arn, new Date().toISOString().slice(0, 7)],
  },
  { dependsOn: [database.instance, ...setup.roles, ...setup.ways] },
);
