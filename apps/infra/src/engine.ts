/**
 * The engine with its API and dashboard: one task, so that one name leads to all of them, and never two at once, so
 * that none has to wait until the other's leases have run out.
 */
import { dashboardTask, enginePorts, engineTask } from "@hatchery/config";
import { access, targets } from "./access.ts";
import { cluster, placed } from "./cluster.ts";
import {
  containerOf,
  engineAddresses,
  engine as environment,
  sharedVolume,
} from "./engine-programs.ts";
import { groups, network } from "./network.ts";
import { settings } from "./settings.ts";
import { setupRun } from "./setup.ts";
import { type Container, defineTask } from "./task.ts";

const dashboardPort = 80;

const containers = [
  ...engineTask(environment).containers,
  ...dashboardTask(environment).containers,
].map((program): Container => {
  const container = containerOf(program);
  if (program.name === "engine")
    return {
      ...container,
      ports: [enginePorts.grpc, enginePorts.health],
      // That it is there, not that it is ready: Postgres out of reach is no reason to kill it.
      health: {
        command: `wget -q -O /dev/null http://127.0.0.1:${enginePorts.health}/version || exit 1`,
        startSeconds: 120,
        retries: 10,
      },
      // Its own shutdown takes 15 s and more; one cut short leaves leases that last a minute.
      stopSeconds: 90,
    };
  if (program.name === "dashboard")
    return {
      ...container,
      environment: {
        ...container.environment,
        // The engine is beside it.
        SERVER_INTERNAL_CLIENT_INTERNAL_GRPC_BROADCAST_ADDRESS: `127.0.0.1:${enginePorts.grpc}`,
      },
      ports: [dashboardPort, enginePorts.api],
      memory: settings.DASHBOARD_MEMORY,
      // A dashboard that falls over takes no engine with it.
      essential: false,
      restarts: true,
    };
  return container;
});

const task = defineTask("engine", {
  cpu: settings.ENGINE_CPU,
  memory: settings.ENGINE_MEMORY,
  architecture: settings.WORKER_ARCHITECTURE,
  volumes: [sharedVolume],
  containers,
});

/** Capital letters as the contract has them, which a URL would lose. */
const host = engineAddresses.internalGrpcBroadcastAddress.replace(/:\d+$/, "");

const name = new aws.servicediscovery.Service("EngineName", {
  name: network.namespace.name.apply((namespace) => host.slice(0, -(namespace.length + 1))),
  dnsConfig: {
    namespaceId: network.namespace.id,
    // How long a worker goes on asking an engine that has moved.
    dnsRecords: [{ type: "A", ttl: 5 }],
    routingPolicy: "MULTIVALUE",
  },
  forceDestroy: true,
});

export const engine = {
  task,
  service: new aws.ecs.Service(
    "Engine",
    {
      name: "engine",
      cluster: cluster.arn,
      taskDefinition: task.definition.arn,
      desiredCount: 1,
      launchType: "FARGATE",
      networkConfiguration: placed(groups.engine),
      serviceRegistries: { registryArn: name.arn },
      loadBalancers: targets,
      ...(targets.length > 0 && { healthCheckGracePeriodSeconds: 300 }),
      deploymentMinimumHealthyPercent: 0,
      deploymentMaximumPercent: 100,
      deploymentCircuitBreaker: { enable: true, rollback: true },
      propagateTags: "SERVICE",
      enableEcsManagedTags: true,
      enableExecuteCommand: false,
      waitForSteadyState: true,
    },
    {
      dependsOn: [setupRun, ...task.roles, ...task.ways, ...(access ? [access.balancer] : [])],
    },
  ),
};
export { engineAddresses };
