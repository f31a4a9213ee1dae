/** RabbitMQ, where BROKER_INSTANCE_TYPE asks for it; else Postgres is the queue and there is none. */
import { groups, network } from "./network.ts";
import { brokerPassword, knownSecret } from "./secrets.ts";
import { settings, stageName } from "./settings.ts";

const user = "hatchet";

function createBroker(password: $util.Output<string>, group: aws.ec2.SecurityGroup) {
  // Amazon MQ does not change the password of a RabbitMQ user, and its API does not say so: a new password is a new
  // broker. What was queued in the old one, the steward finds missing and queues again.
  const generation = new random.RandomId("BrokerGeneration", {
    byteLength: 4,
    keepers: { password },
  });
  const instance = new aws.mq.Broker("Broker", {
    brokerName: $interpolate`${stageName}-${generation.hex}`,
    engineType: "RabbitMQ",
    engineVersion: settings.BROKER_VERSION,
    hostInstanceType: settings.BROKER_INSTANCE_TYPE,
    deploymentMode: "SINGLE_INSTANCE",
    users: [{ username: user, password }],
    subnetIds: [network.privateSubnets.apply(([first]) => first ?? "")],
    securityGroups: [group.id],
    publiclyAccessible: false,
    autoMinorVersionUpgrade: true,
    applyImmediately: true,
    logs: { general: true },
  });
  const address = instance.instances.apply(
    ([first]) => first?.endpoints.find((endpoint) => endpoint.startsWith("amqps://")) ?? "",
  );
  return {
    instance,
    url: knownSecret(
      "broker-url",
      "The engine's way to its broker",
      $util
        .all([address, password])
        .apply(([url, secret]) => url.replace("amqps://", `amqps://${user}:${secret}@`)),
    ),
  };
}

export const broker =
  brokerPassword && groups.broker ? createBroker(brokerPassword, groups.broker) : undefined;
