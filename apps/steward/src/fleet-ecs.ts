/** A fleet that is an ECS service: its tasks are the workers. */
import { DescribeServicesCommand, ECSClient, UpdateServiceCommand } from "@aws-sdk/client-ecs";
import type { Fleet } from "./fleet.ts";

/** `place`: the cluster's name and the service's, with a slash between. */
export function createEcsFleet(name: string, place: string): Fleet {
  const client = new ECSClient({});
  const [cluster, service] = place.split("/");
  return {
    name,
    // Fargate: capacity, network interface, image pull, and the worker's own start.
    startSeconds: 60,
    async read() {
      const { services, failures } = await client.send(
        new DescribeServicesCommand({ cluster, services: [service!] }),
      );
      const [found] = services ?? [];
      // A service that was deleted is told of for a while yet.
      if (found === undefined || found.status === "INACTIVE")
        throw new Error(
          `ECS has no service "${service}" in cluster "${cluster}" for fleet "${name}"${failures?.[0]?.reason === undefined ? "" : ` (${failures[0].reason})`}.`,
        );
      return {
        desired: found.desiredCount ?? 0,
        running: found.runningCount ?? 0,
        since: (found.createdAt ?? new Date(0)).toISOString(),
      };
    },
    async scale(desired) {
      await client.send(new UpdateServiceCommand({ cluster, service, desiredCount: desired }));
    },
  };
}
