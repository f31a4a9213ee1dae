/**
 * A task as every part makes its own: SST's Service and Task would open every port, read every secret of the account,
 * write a link's password into plain environment and let ECS's own scaling fight the steward.
 */
import { type Cpu, type Memory, gigabytes, rolePath, vcpus } from "@hatchery/config";
import type { StageImage } from "./images.ts";
import { waysTo } from "./network.ts";
import type { SecretPlace } from "./secrets.ts";
import { accountId, arn, region, settings, stage, stageName } from "./settings.ts";

export interface Container {
  readonly name: string;
  readonly image: StageImage;
  readonly command?: readonly string[];
  readonly entryPoint?: readonly string[];
  readonly environment?: Readonly<Record<string, $util.Input<string>>>;
  readonly secrets?: Readonly<Record<string, { place: SecretPlace; field?: string | undefined }>>;
  /** What has to have happened to other containers of the task before this one starts. */
  readonly after?: Readonly<Record<string, "START" | "COMPLETE" | "SUCCESS" | "HEALTHY">>;
  /** Whether the task ends with it; so unless said otherwise. */
  readonly essential?: boolean;
  readonly ports?: readonly number[];
  readonly health?: {
    readonly command: string;
    readonly startSeconds: number;
    readonly retries: number;
  };
  /** Between SIGTERM and SIGKILL. */
  readonly stopSeconds?: number;
  readonly memory?: Memory;
  /** Started again within the task when it ends. */
  readonly restarts?: boolean;
  readonly mounts?: readonly {
    readonly volume: string;
    readonly path: string;
    readonly isReadOnly?: boolean;
  }[];
  readonly isReadOnly?: boolean;
  /** As which user; the image's own when left out. */
  readonly user?: string;
}

export interface Statement {
  readonly actions: readonly string[];
  readonly resources: readonly $util.Input<string>[];
  readonly conditions?: Readonly<
    Record<string, Readonly<Record<string, $util.Input<string | string[]>>>>
  >;
}

interface TaskArgs {
  readonly cpu: Cpu;
  readonly memory: Memory;
  readonly architecture?: "amd64" | "arm64";
  readonly containers: readonly Container[];
  readonly volumes?: readonly string[];
  /** What its programs may do in AWS; nothing when left out. */
  readonly permissions?: readonly Statement[];
}

export interface Task {
  readonly name: string;
  readonly definition: aws.ecs.TaskDefinition;
  readonly logGroup: aws.cloudwatch.LogGroup;
  readonly roles: readonly aws.iam.Role[];
  /** The interface endpoints without which it cannot start; empty where there is another way. */
  readonly ways: readonly aws.ec2.VpcEndpoint[];
}

export function defineTask(name: string, args: TaskArgs): Task {
  const family = `${stageName}-${name}`;
  const title = name
    .split("-")
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");
  const logGroup = new aws.cloudwatch.LogGroup(`${title}Logs`, {
    name: `/hatchery/${stage}/${name}`,
    retentionInDays: settings.LOG_RETENTION_DAYS,
  });
  const executionRole = role(`${title}Start`, startPermissions(args.containers, logGroup));
  const taskRole = role(`${title}Task`, args.permissions ?? []);
  const definition = new aws.ecs.TaskDefinition(`${title}Definition`, {
    family,
    requiresCompatibilities: ["FARGATE"],
    networkMode: "awsvpc",
    cpu: String(vcpus(args.cpu) * 1024),
    memory: String(gigabytes(args.memory) * 1024),
    runtimePlatform: {
      operatingSystemFamily: "LINUX",
      cpuArchitecture: args.architecture === "arm64" ? "ARM64" : "X86_64",
    },
    executionRoleArn: executionRole.arn,
    taskRoleArn: taskRole.arn,
    volumes: (args.volumes ?? []).map((volume) => ({ name: volume })),
    containerDefinitions: $jsonStringify(
      args.containers.map((container) => containerDefinition(container, logGroup)),
    ),
  });
  const services = servicesUsed(args);
  return { name, definition, logGroup, roles: [executionRole, taskRole], ways: waysTo(services) };
}

function containerDefinition(container: Container, logGroup: aws.cloudwatch.LogGroup) {
  const { health } = container;
  return {
    name: container.name,
    image: container.image.uri,
    essential: container.essential ?? true,
    ...(container.command && { command: container.command }),
    ...(container.entryPoint && { entryPoint: container.entryPoint }),
    environment: named(container.environment ?? {}, "value"),
    secrets: named(
      Object.fromEntries(
        Object.entries(container.secrets ?? {}).map(([name, { place, field }]) => [
          name,
          place.valueFrom(field),
        ]),
      ),
      "valueFrom",
    ),
    ...(container.after && {
      dependsOn: Object.entries(container.after).map(([containerName, condition]) => ({
        containerName,
        condition,
      })),
    }),
    // What each may count on of the task's memory, in MiB; more, up to a limit where there is one.
    memoryReservation: 128,
    ...(container.memory && { memory: gigabytes(container.memory) * 1024 }),
    portMappings: (container.ports ?? []).map((port) => ({
      containerPort: port,
      hostPort: port,
      protocol: "tcp",
    })),
    ...(health && {
      healthCheck: {
        command: ["CMD-SHELL", health.command],
        interval: 30,
        timeout: 10,
        retries: health.retries,
        startPeriod: health.startSeconds,
      },
    }),
    ...(container.restarts && { restartPolicy: { enabled: true, restartAttemptPeriod: 60 } }),
    stopTimeout: container.stopSeconds ?? 30,
    readonlyRootFilesystem: container.isReadOnly ?? false,
    mountPoints: (container.mounts ?? []).map(({ volume, path, isReadOnly }) => ({
      sourceVolume: volume,
      containerPath: path,
      readOnly: isReadOnly ?? false,
    })),
    ...(container.user !== undefined && { user: container.user }),
    linuxParameters: { initProcessEnabled: true },
    logConfiguration: {
      logDriver: "awslogs",
      options: {
        "awslogs-group": logGroup.name,
        "awslogs-region": region,
        "awslogs-stream-prefix": container.name,
        // A slow log must not stop a simulation.
        mode: "non-blocking",
        "max-buffer-size": "4m",
      },
    },
  };
}

/** In the order of their names: another order would be another definition. */
function named(values: Readonly<Record<string, $util.Input<string>>>, key: "value" | "valueFrom") {
  return Object.keys(values)
    .toSorted()
    .map((name) => ({ name, [key]: values[name] }));
}

/** What ECS needs to start a task: its images, its secrets, its log. */
function startPermissions(
  containers: readonly Container[],
  logGroup: aws.cloudwatch.LogGroup,
): Statement[] {
  const repositories = [
    ...new Set(containers.flatMap(({ image }) => (image.repository ? [image.repository] : []))),
  ];
  const places = containers.flatMap(({ secrets }) =>
    Object.values(secrets ?? {}).map(({ place }) => place),
  );
  const secretArns = [...new Set(places)].map((place) => place.arn);
  return [
    {
      actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
      resources: [$interpolate`${logGroup.arn}:*`],
    },
    ...(secretArns.length > 0
      ? [{ actions: ["secretsmanager:GetSecretValue"], resources: secretArns }]
      : []),
    ...(repositories.length > 0
      ? [
          {
            actions: [
              "ecr:BatchCheckLayerAvailability",
              "ecr:BatchGetImage",
              "ecr:GetDownloadUrlForLayer",
            ],
            resources: repositories,
          },
          // AWS knows no resource for a login.
          { actions: ["ecr:GetAuthorizationToken"], resources: ["*"] },
        ]
      : []),
  ];
}

/** Prefix of an action → the endpoint that serves it, where they are not called the same. S3 has its gateway. */
const endpointOf: Readonly<Record<string, string | undefined>> = {
  cloudwatch: "monitoring",
  s3: undefined,
  iam: undefined,
};

/** The services that a task cannot do without: those that start it, and those of its permissions. */
function servicesUsed(args: TaskArgs): Set<string> {
  const prefixes = (args.permissions ?? []).flatMap(({ actions }) =>
    actions.map((action) => action.split(":")[0] ?? ""),
  );
  const services = prefixes.flatMap((prefix) =>
    prefix in endpointOf ? (endpointOf[prefix] ?? []) : prefix,
  );
  const hasSecrets = args.containers.some(({ secrets }) => Object.keys(secrets ?? {}).length > 0);
  const isInEcr = args.containers.some(({ image }) => image.repository !== undefined);
  return new Set([
    "logs",
    ...(isInEcr ? ["ecr.api", "ecr.dkr"] : []),
    ...(hasSecrets ? ["secretsmanager"] : []),
    ...services,
  ]);
}

/** A role for tasks of this account only. */
function role(name: string, permissions: readonly Statement[]): aws.iam.Role {
  return stageRole(name, "ecs-tasks.amazonaws.com", permissions, {
    ArnLike: { "aws:SourceArn": arn("ecs", "*") },
  });
}

/** A role that one service of AWS takes on in the name of this account. */
export function stageRole(
  name: string,
  service: string,
  permissions: readonly Statement[],
  trusted: Statement["conditions"] = {},
): aws.iam.Role {
  return new aws.iam.Role(`${name}Role`, {
    // Whoever deploys is allowed this path alone, and a teardown looks into it.
    path: rolePath(stage),
    assumeRolePolicy: $jsonStringify({
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Action: "sts:AssumeRole",
          Principal: { Service: service },
          Condition: { ...trusted, StringEquals: { "aws:SourceAccount": accountId } },
        },
      ],
    }),
    inlinePolicies:
      permissions.length === 0
        ? []
        : [
            {
              name: "stage",
              policy: $jsonStringify({
                Version: "2012-10-17",
                Statement: permissions.map(({ actions, resources, conditions }) => ({
                  Effect: "Allow",
                  Action: actions,
                  Resource: resources,
                  ...(conditions && { Condition: conditions }),
                })),
              }),
            },
          ],
  });
}
