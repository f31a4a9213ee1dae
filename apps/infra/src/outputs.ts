/** What the CLI and a person are told: addresses and names, never a secret. */
import {
  type StackOutputs,
  engineVersion,
  hatcheryVersion,
  sdkVersion,
  stackOutputsParameter,
} from "@hatchery/config";
import { access } from "./access.ts";
import { engineAddresses } from "./engine-programs.ts";
import { stageFleets } from "./fleet.ts";
import { lease } from "./lease.ts";
import { network } from "./network.ts";
import { region, settings, stage, stageName } from "./settings.ts";
import { steward } from "./steward.ts";
import { mailbox, store } from "./store.ts";

const told = {
  stage,
  region,
  store: store.address,
  mailbox: mailbox.queue.url,
  EngineAddresses: engineAddresses,
  fleets: stageFleets.map(({ fleet, name }) => ({
    name: fleet.name,
    cluster: stageName,
    service: name,
    min: fleet.min,
    max: fleet.max,
    slotsPerWorker: fleet.slotsPerWorker,
  })),
  leaseSchedule: lease.address,
  versions: { hatchery: hatcheryVersion, engine: engineVersion, sdk: sdkVersion },
} satisfies { [Key in keyof StackOutputs]: $util.Input<StackOutputs[Key]> };

new aws.ssm.Parameter(
  "Outputs",
  {
    name: stackOutputsParameter(stage),
    description: `Where the parts of ${stageName} are`,
    type: "String",
    value: $jsonStringify(told),
  },
  // The CLI takes its being there for the stage's being up.
  { dependsOn: [steward.service] },
);

export const outputs = {
  ...told,
  ...(network.vpc && settings.BASTION_ENABLED && { bastion: network.vpc.bastion }),
  ...(access && settings.CERTIFICATE_ARN !== undefined
    ? { loadBalancer: access.balancer.nodes.loadBalancer.dnsName }
    : {}),
};
