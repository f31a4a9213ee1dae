/** Settings as people write them: every choice of network, broker, domain, capacity, size and bastion among them. */
const digest = (letter: string) => `sha256:${letter.repeat(64)}`;

/** As a deploy has found them, or somebody named them. */
export const images = {
  ENGINE_IMAGES: JSON.stringify(
    Object.fromEntries(
      ["engine", "dashboard", "migrate", "admin"].map((name) => [
        name,
        `ghcr.io/hatchet-dev/hatchet/hatchet-${name}@${digest("a")}`,
      ]),
    ),
  ),
};
const ownRegistry = "123456789012.dkr.ecr.us-east-1.amazonaws.com";
const domain = { ROOT_DOMAIN: "acmelab.com", ALLOWED_CIDRS: "203.0.113.0/24,198.51.100.7/32" };
const ownCertificate = {
  CERTIFICATE_ARN:
    "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012",
};
const natGateway = { ENGINE_PRIVATE_SUBNET: "true", NAT_GATEWAY: "true" };
const natInstance = { ENGINE_PRIVATE_SUBNET: "true", NAT_INSTANCE: "true" };
const endpoints = { ENGINE_PRIVATE_SUBNET: "true" };
const broker = { BROKER_INSTANCE_TYPE: "mq.m7g.medium" };
const bastion = { BASTION_ENABLED: "true" };
const existing = { VPC_ID: "vpc-0a1b2c3d4e5f67890" };

const asked: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "an empty file": {},
  "one zone": { AZ_COUNT: "1" },
  "six zones": { AZ_COUNT: "6", ...natInstance },
  "the seed's shape": { ...broker, ...domain, ...bastion },
  "NAT gateways": natGateway,
  "NAT gateways, broker, domain, bastion": { ...natGateway, ...broker, ...domain, ...bastion },
  "NAT instances": natInstance,
  "NAT instances that are the bastion": { ...natInstance, ...bastion },
  "NAT instances and a tunnel": { ...natInstance, ...bastion, ALLOWED_CIDRS: "203.0.113.7/32" },
  "endpoints only": endpoints,
  "endpoints only, in one zone": { ...endpoints, AZ_COUNT: "1" },
  "endpoints only, broker, domain": { ...endpoints, ...broker, ...domain },
  "endpoints only, bastion": { ...endpoints, ...bastion },
  "endpoints only, images in the account": {
    ...endpoints,
    WORKER_IMAGE: `${ownRegistry}/models@${digest("b")}`,
    ENGINE_IMAGES: images.ENGINE_IMAGES.replaceAll("ghcr.io/hatchet-dev/hatchet", ownRegistry),
  },
  "an existing VPC": existing,
  "an existing VPC, broker, domain": { ...existing, ...broker, ...domain },
  "a domain of another registrar": { ...domain, ...ownCertificate },
  "a domain for everybody": { ROOT_DOMAIN: "acmelab.com" },
  "on demand": { WORKER_SPOT: "false", ...natInstance },
  "half of Spot": { WORKER_ON_DEMAND_PERCENT: "50", ...natGateway },
  "a pinned fleet": { WORKER_COUNT: "200", ...natInstance },
  "two fleets": {
    ...natInstance,
    FLEETS: '[{"name":"big-memory","cpu":"4 vCPU","memory":"30 GB","max":20,"spot":false}]',
  },
  "two fleets in a closed network": {
    ...endpoints,
    FLEETS: '[{"name":"big","cpu":"16 vCPU","max":20,"labels":{"memory":"large"}}]',
  },
  "a medium stage": { PROFILE: "medium", ...natInstance },
  "a large stage": { PROFILE: "large", ...domain },
  "a stage to stay": { PERMANENT: "true", ...broker, ...natGateway },
  "arm64 and a named image": {
    WORKER_ARCHITECTURE: "arm64",
    WORKER_IMAGE: `registry.example.com/models@${digest("b")}`,
    ALARM_EMAIL: "you@acmelab.com",
  },
  "an older broker": { BROKER_INSTANCE_TYPE: "mq.m5.large", BROKER_VERSION: "3.13", ...natGateway },
};

/** By what they are. */
export const combinations = Object.fromEntries(
  Object.entries(asked).map(([name, settings]) => [name, { ...images, ...settings }]),
);
