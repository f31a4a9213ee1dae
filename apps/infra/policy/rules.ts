/**
 * What holds of every stage, as functions over its resources: the policy pack lets Pulumi ask them before anything is
 * made, the tests ask them of many settings.
 */
import { isSecretName } from "@hatchery/config";

export interface Resource {
  readonly type: string;
  readonly name: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- properties of every type of resource there is
  readonly props: Record<string, any>;
}

export interface Rule {
  readonly name: string;
  readonly says: string;
  /** The types it looks at. */
  readonly types: readonly string[];
  /** What is wrong with one of them. */
  readonly problems: (resource: Resource) => readonly string[];
}

interface ContainerDefinition {
  readonly name: string;
  readonly image: string;
  readonly environment?: readonly { name: string; value: string }[];
  readonly logConfiguration?: { options: Record<string, string> };
  readonly readonlyRootFilesystem?: boolean;
  readonly privileged?: boolean;
  readonly stopTimeout?: number;
  readonly linuxParameters?: { initProcessEnabled?: boolean };
}

interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly Condition?: Record<string, Record<string, unknown>>;
}

const taskDefinition = "aws:ecs/taskDefinition:TaskDefinition";
const service = "aws:ecs/service:Service";
const ingressRule = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
const role = "aws:iam/role:Role";
const instance = "aws:ec2/instance:Instance";
const listener = "aws:lb/listener:Listener";

const listed = (value: string | readonly string[] | undefined): readonly string[] =>
  value === undefined ? [] : typeof value === "string" ? [value] : value;

/** The containers of a task definition. */
export const containersOf = ({ props }: Resource) =>
  JSON.parse(props["containerDefinitions"] as string) as ContainerDefinition[];

/** The statements of a role, or of a queue's policy. */
export const statementsOf = (policies: readonly string[]): Statement[] =>
  policies.flatMap((policy) => (JSON.parse(policy) as { Statement: Statement[] }).Statement);

const inlinePolicies = ({ props }: Resource): string[] =>
  ((props["inlinePolicies"] ?? []) as { policy?: string }[]).flatMap(({ policy }) => policy ?? []);

const isFleet = ({ props }: Resource) => String(props["name"]).startsWith("fleet-");

/** Actions for which AWS knows no resource (Service Authorization Reference). */
const withoutResource =
  /^(ecr:GetAuthorizationToken|ssmmessages:(Create|Open)(Control|Data)Channel)$/;

/** A rule whose answer is yes or no. */
function rule(
  name: string,
  says: string,
  types: readonly string[],
  isBroken: (resource: Resource) => boolean,
): Rule {
  return { name, says, types, problems: (resource) => (isBroken(resource) ? [says] : []) };
}

const containerRule = (
  name: string,
  says: string,
  isBroken: (container: ContainerDefinition, task: Resource) => boolean,
): Rule => ({
  name,
  says,
  types: [taskDefinition],
  problems: (task) =>
    containersOf(task).flatMap((container) =>
      isBroken(container, task) ? [`Container "${container.name}": ${says}`] : [],
    ),
});

export const rules: readonly Rule[] = [
  containerRule(
    "no-secret-in-plain-text",
    "Passwords, tokens and keys come from Secrets Manager, not as plain variables or log options.",
    ({ environment = [], logConfiguration }) =>
      [
        ...environment.map(({ name }) => name),
        ...Object.keys(logConfiguration?.options ?? {}),
      ].some(isSecretName) ||
      environment.some(({ value }) => /:\/\/[^/:@\s]+:[^/@\s]+@/.test(value)),
  ),
  containerRule(
    "images-by-digest",
    "An image is named by its digest: a tag can be moved.",
    ({ image }) => !/@sha256:[0-9a-f]{64}$/.test(image),
  ),
  containerRule(
    "no-privileges",
    "No container is privileged, and each has an init process for what its programs leave.",
    ({ privileged, linuxParameters }) =>
      privileged === true || linuxParameters?.initProcessEnabled !== true,
  ),
  containerRule(
    "time-to-stop",
    "The engine has 60 s to stop and a worker 30 to 120 s.",
    ({ name, stopTimeout = 30 }) =>
      (name === "engine" && stopTimeout < 60) ||
      (name === "worker" && (stopTimeout < 30 || stopTimeout > 120)),
  ),
  containerRule(
    "workers-write-to-scratch-only",
    "A worker's root file system is read-only.",
    ({ name, readonlyRootFilesystem }) => name === "worker" && readonlyRootFilesystem !== true,
  ),
  rule(
    "no-volume-beyond-the-task",
    "A task's volumes end with it: no EFS, nothing of a host.",
    [taskDefinition],
    ({ props }) =>
      ((props["volumes"] ?? []) as Record<string, unknown>[]).some(
        (volume) => "efsVolumeConfiguration" in volume || "hostPath" in volume,
      ),
  ),
  rule(
    "rules-name-their-source",
    "Who may come in is a named group; an address range only at the load balancer, or for the tunnel and then not everybody's.",
    [ingressRule],
    ({ name, props }) => {
      const range = props["cidrIpv4"];
      // Everything here speaks IPv4 alone.
      if (props["cidrIpv6"] !== undefined) return true;
      if (range === undefined) return props["referencedSecurityGroupId"] === undefined;
      if (/^Outside\d+To(80|443|8443)$/.test(name)) return false;
      return !(
        /^Tunnel\d+$/.test(name) &&
        props["fromPort"] === 22 &&
        !String(range).endsWith("/0")
      );
    },
  ),
  rule(
    "groups-without-rules-of-their-own",
    "A security group has no rules inside it: all of them are in the one list of who reaches whom.",
    ["aws:ec2/securityGroup:SecurityGroup", "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"],
    ({ props }) => [...(props["ingress"] ?? []), ...(props["egress"] ?? [])].length > 0,
  ),
  {
    name: "roles-without-stars",
    says: 'No action with "*", and the resource "*" only where AWS has no other.',
    types: [role],
    problems: (resource) =>
      statementsOf(inlinePolicies(resource)).flatMap(({ Action, Resource: on, Effect }) => {
        if (Effect !== "Allow") return [];
        const actions = listed(Action);
        const starred = actions.filter((action) => action.includes("*"));
        const everywhere = listed(on).includes("*")
          ? actions.filter((action) => !withoutResource.test(action))
          : [];
        return [
          ...starred.map((action) => `Allows "${action}".`),
          ...everywhere.map((action) => `Allows "${action}" on everything.`),
        ];
      }),
  },
  rule(
    "roles-of-this-account",
    "A service takes on a role in the name of this account only.",
    [role],
    ({ props }) =>
      statementsOf(
        [props["assumeRolePolicy"] as string].filter((text) => text.includes('"Statement"')),
      )
        // An instance takes on its role by its profile, without a source.
        .filter((statement) => !JSON.stringify(statement).includes("ec2.amazonaws.com"))
        .some((statement) => !statement.Condition?.["StringEquals"]?.["aws:SourceAccount"]),
  ),
  rule(
    "no-policies-of-aws",
    "A task's role has what is written here, not a policy that AWS may widen.",
    [role],
    ({ name, props }) =>
      /(Task|Start)Role$/.test(name) &&
      ((props["managedPolicyArns"] ?? []) as unknown[]).length > 0,
  ),
  rule(
    "database-within",
    "The database is encrypted, has no public address and at least 100 GB of gp3.",
    ["aws:rds/instance:Instance"],
    ({ props }) =>
      props["publiclyAccessible"] !== false ||
      props["storageEncrypted"] !== true ||
      props["storageType"] !== "gp3" ||
      Number(props["allocatedStorage"]) < 100,
  ),
  rule(
    "database-by-tls",
    "The database refuses connections without TLS.",
    ["aws:rds/parameterGroup:ParameterGroup"],
    ({ props }) =>
      !((props["parameters"] ?? []) as { name: string; value: string }[]).some(
        ({ name, value }) => name === "rds.force_ssl" && value === "1",
      ),
  ),
  rule(
    "broker-within",
    "The broker has no public address.",
    ["aws:mq/broker:Broker"],
    ({ props }) => props["publiclyAccessible"] !== false,
  ),
  rule(
    "queues-encrypted",
    "A queue is encrypted.",
    ["aws:sqs/queue:Queue"],
    ({ props }) => props["sqsManagedSseEnabled"] !== true,
  ),
  rule(
    "queues-by-tls",
    "A queue refuses requests without TLS.",
    ["aws:sqs/queuePolicy:QueuePolicy"],
    ({ props }) =>
      !statementsOf([props["policy"] as string]).some(
        ({ Effect, Condition }) =>
          Effect === "Deny" && Condition?.["Bool"]?.["aws:SecureTransport"] === "false",
      ),
  ),
  rule(
    "logs-end",
    "Log lines are not kept for ever.",
    ["aws:cloudwatch/logGroup:LogGroup"],
    ({ props }) => !(Number(props["retentionInDays"]) > 0),
  ),
  rule(
    "one-at-a-time",
    "Engine and steward are never there twice, also during a deploy.",
    [service],
    (resource) =>
      !isFleet(resource) &&
      (resource.props["deploymentMaximumPercent"] !== 100 ||
        resource.props["deploymentMinimumHealthyPercent"] !== 0 ||
        resource.props["desiredCount"] !== 1),
  ),
  rule(
    "fleets-unnamed",
    "A fleet is not in Cloud Map, which holds 1,000 tasks of a service, nor behind a load balancer.",
    [service],
    (resource) =>
      isFleet(resource) &&
      (resource.props["serviceRegistries"] !== undefined ||
        ((resource.props["loadBalancers"] ?? []) as unknown[]).length > 0),
  ),
  rule(
    "another-mix-is-a-change",
    "A fleet's mix of Spot and on demand can change without a new service.",
    [service],
    (resource) => isFleet(resource) && resource.props["forceNewDeployment"] !== true,
  ),
  rule(
    "no-way-into-tasks",
    "Nobody gets a shell in a task but the steward's, through which the dashboard is reached.",
    [service],
    ({ props }) => props["enableExecuteCommand"] === true && props["name"] !== "steward",
  ),
  rule(
    "tasks-tagged",
    "Tasks bear their service's tags.",
    [service],
    ({ props }) => props["propagateTags"] !== "SERVICE" || props["enableEcsManagedTags"] !== true,
  ),
  rule(
    "instances-hardened",
    "An instance wants a token for its metadata, and its volume is encrypted and tagged.",
    [instance],
    ({ props }) =>
      props["metadataOptions"]?.httpTokens !== "required" ||
      props["rootBlockDevice"]?.encrypted !== true ||
      props["volumeTags"]?.app === undefined,
  ),
  rule(
    "in-by-tls",
    "The load balancer speaks TLS 1.2 or newer; what comes without is sent there.",
    [listener],
    ({ props }) =>
      props["protocol"] === "HTTPS"
        ? !/TLS13-1-[23]/.test(String(props["sslPolicy"]))
        : props["defaultActions"]?.[0]?.redirect?.protocol !== "HTTPS",
  ),
  rule(
    "names-forgotten-soon",
    "A name is asked for again after 10 s at most: workers find an engine that has moved.",
    ["aws:servicediscovery/service:Service"],
    ({ props }) =>
      ((props["dnsConfig"]?.dnsRecords ?? []) as { ttl: number }[]).some(({ ttl }) => ttl > 10),
  ),
  rule(
    "images-scanned",
    "Images are scanned when they are pushed.",
    ["aws:ecr/repository:Repository"],
    ({ props }) => props["imageScanningConfiguration"]?.scanOnPush !== true,
  ),
  rule(
    "no-bucket-in-a-stage",
    "Results are in no bucket that a teardown could delete.",
    ["aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2"],
    () => true,
  ),
];

/** Everything that is wrong with these resources: where, and what. */
export function problemsOf(resources: readonly Resource[]): string[] {
  return resources.flatMap((resource) =>
    rules
      .filter(({ types }) => types.includes(resource.type))
      .flatMap(({ name, problems }) =>
        problems(resource).map((problem) => `${resource.name} (${name}): ${problem}`),
      ),
  );
}
