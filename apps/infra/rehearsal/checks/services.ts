/** The services: how many, where, on what capacity, and by which name the engine is found. */
import {
  GetNamespaceCommand,
  GetServiceCommand,
  ServiceDiscoveryClient,
} from "@aws-sdk/client-servicediscovery";
import { DescribeSubnetsCommand, EC2Client } from "@aws-sdk/client-ec2";
import type { Service } from "@aws-sdk/client-ecs";
import { type Fleet, fleets, networkMode } from "@hatchery/config";
import { type Check, counted, exactly, must, none, some } from "../check.ts";
import type { Stage } from "../stage.ts";

function service({ services }: Stage, name: string): Service {
  const found = services.find(({ serviceName }) => serviceName === name);
  must(
    found !== undefined,
    `There is no service "${name}".`,
    services.map((each) => each.serviceName),
  );
  return found;
}

export const services: readonly Check[] = [
  {
    says: "one engine, one steward, and each fleet at its least, of the definitions looked at",
    look(stage) {
      const wanted = new Map([
        ["engine", 1],
        ["steward", 1],
      ]);
      for (const { name, min } of fleets(stage.settings)) wanted.set(`fleet-${name}`, min);
      const found = stage.services.map(
        ({ serviceName = "", status, desiredCount, taskDefinition }) => {
          must(
            taskDefinition === stage.definitions[serviceName]?.taskDefinitionArn,
            `The service "${serviceName}" runs another revision.`,
            taskDefinition,
          );
          return `${serviceName} ${status} ${desiredCount}`;
        },
      );
      const lines = [...wanted].map(([name, count]) => `${name} ACTIVE ${count}`);
      exactly(found, lines, "Services with their counts");
      return found.join(", ").replaceAll(" ACTIVE", "");
    },
  },
  {
    says: "never two engines or two stewards at once, and a fleet is never replaced all at once",
    look(stage) {
      for (const { serviceName = "", deploymentConfiguration: found } of stage.services) {
        const least = serviceName.startsWith("fleet-") ? 50 : 0;
        must(
          found?.minimumHealthyPercent === least && found.maximumPercent === 100,
          `A deployment of "${serviceName}" should keep ${least} % and never be above 100 %.`,
          found,
        );
      }
      return counted(stage.services.length, "service");
    },
  },
  {
    says: "tasks are on the subnets of the network's kind, with a public address only where they need one",
    async look(stage) {
      const isPublic = networkMode(stage.settings) === "public";
      for (const { networkConfiguration, serviceName } of stage.services) {
        const { assignPublicIp, subnets, securityGroups } =
          networkConfiguration?.awsvpcConfiguration ?? {};
        must(
          assignPublicIp === (isPublic ? "ENABLED" : "DISABLED") && securityGroups?.length === 1,
          `The service "${serviceName}" does not stand as it should.`,
          networkConfiguration,
        );
        const { Subnets = [] } = await new EC2Client({}).send(
          new DescribeSubnetsCommand({ SubnetIds: [...some(subnets, "subnet")] }),
        );
        // Ours are /22 and /19: packages/config/src/network.ts.
        const size = isPublic ? "/22" : "/19";
        none(
          Subnets.filter(({ CidrBlock }) => !CidrBlock?.endsWith(size)),
          `The service "${serviceName}" is on a subnet of another kind.`,
        );
        must(
          Subnets.length === stage.settings.AZ_COUNT,
          "There should be a subnet in each zone.",
          Subnets,
        );
      }
      return networkMode(stage.settings);
    },
  },
  {
    says: "fleets are on Spot and on demand as asked; engine and steward are never on Spot",
    look(stage) {
      for (const name of ["engine", "steward"]) {
        const { launchType, capacityProviderStrategy = [] } = service(stage, name);
        must(
          launchType === "FARGATE" && capacityProviderStrategy.length === 0,
          `The service "${name}" should be on demand.`,
          { launchType, capacityProviderStrategy },
        );
      }
      return fleets(stage.settings)
        .map((fleet) => {
          const found = strategyOf(service(stage, `fleet-${fleet.name}`));
          must(
            found === wantedStrategy(fleet),
            `"${fleet.name}" should be on ${wantedStrategy(fleet)}.`,
            found,
          );
          return `${fleet.name}: ${found}`;
        })
        .join("; ");
    },
  },
  {
    says: "the engine is found as Engine.<stage>.hatchet.sst within seconds; no worker is in Cloud Map",
    async look(stage) {
      const registered = stage.services.filter(
        ({ serviceRegistries = [] }) => serviceRegistries.length > 0,
      );
      must(
        registered.length === 1 && registered[0]?.serviceName === "engine",
        "The engine alone should be in Cloud Map.",
        registered,
      );
      const arn = registered[0].serviceRegistries?.[0]?.registryArn ?? "";
      const client = new ServiceDiscoveryClient({});
      const { Service: found } = await client.send(
        new GetServiceCommand({ Id: arn.split("/").at(-1) }),
      );
      const { Namespace } = await client.send(
        new GetNamespaceCommand({ Id: found?.NamespaceId ?? found?.DnsConfig?.NamespaceId }),
      );
      const name = `${found?.Name}.${Namespace?.Name}`;
      must(name === `Engine.${stage.name}.hatchet.sst`, "The engine has another name.", {
        found,
        Namespace,
      });
      const [record] = found?.DnsConfig?.DnsRecords ?? [];
      must(record?.Type === "A" && (record.TTL ?? 60) <= 10, "Its record lives too long.", found);
      return `${name}, ${record.TTL} s`;
    },
  },
];

const strategyOf = ({ capacityProviderStrategy = [] }: Service) =>
  capacityProviderStrategy
    .map(({ capacityProvider, weight }) => `${capacityProvider} ${weight}`)
    .toSorted()
    .join(", ");

const wantedStrategy = ({ onDemandPercent }: Fleet) =>
  [
    ...(onDemandPercent > 0 ? [`FARGATE ${onDemandPercent}`] : []),
    ...(onDemandPercent < 100 ? [`FARGATE_SPOT ${100 - onDemandPercent}`] : []),
  ].join(", ");
