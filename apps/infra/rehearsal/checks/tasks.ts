/** The task definitions: what they run, what they are told, what they may do. */
import {
  CloudWatchLogsClient,
  DescribeLogGroupsCommand,
  type LogGroup,
} from "@aws-sdk/client-cloudwatch-logs";
import type { ContainerDefinition, TaskDefinition } from "@aws-sdk/client-ecs";
import {
  GetRoleCommand,
  GetRolePolicyCommand,
  IAMClient,
  paginateListRolePolicies,
} from "@aws-sdk/client-iam";
import { fleets, networkMode } from "@hatchery/config";
import { all } from "../../src/account/left/scope.ts";
import { type Check, counted, exactly, must, none, some } from "../check.ts";
import { leaks } from "../secret-texts.ts";
import type { Stage } from "../stage.ts";

interface Placed {
  readonly part: string;
  readonly container: ContainerDefinition;
}

const containers = ({ definitions }: Stage): Placed[] =>
  Object.entries(definitions).flatMap(([part, { containerDefinitions = [] }]) =>
    containerDefinitions.map((container) => ({ part, container })),
  );

const seenContainers = (stage: Stage) =>
  counted(some(containers(stage), "container").length, "container");

export const tasks: readonly Check[] = [
  {
    says: "setup job, engine, steward and each fleet have a task definition",
    look(stage) {
      const wanted = ["setup", "engine", "steward"];
      for (const fleet of fleets(stage.settings)) wanted.push(`fleet-${fleet.name}`);
      const found = Object.keys(stage.definitions);
      exactly(found, wanted, "Task definitions");
      return counted(found.length, "task definition");
    },
  },
  {
    says: "every image is named by its digest",
    look(stage) {
      const images = containers(stage).map(({ container }) => container.image ?? "");
      none(
        images.filter((image) => !/@sha256:[0-9a-f]{64}$/.test(image)),
        "An image is not named by its digest.",
      );
      return counted(new Set(images).size, "image");
    },
  },
  {
    says: "without a way to the internet every image is in the account's own registry",
    look(stage) {
      if (networkMode(stage.settings) !== "endpoints") return "not here: there is a way";
      const { accountId, region } = stage.account;
      const own = `${accountId}.dkr.ecr.${region}.amazonaws.com/`;
      none(
        containers(stage).filter(({ container }) => !container.image?.startsWith(own)),
        `An image is not at ${own}.`,
      );
      return seenContainers(stage);
    },
  },
  {
    says: "no value of a secret is anywhere in a task definition",
    look(stage) {
      const { definitions, secretTexts } = stage;
      some(secretTexts, "secret with a value");
      for (const [part, definition] of Object.entries(definitions))
        none(leaks(JSON.stringify(definition), secretTexts), `A secret is in the task of ${part}.`);
      return `${counted(secretTexts.length, "secret text")}, ${seenContainers(stage)}`;
    },
  },
  {
    says: "secrets are given by ARNs of this stage's own, at a version that exists",
    look(stage) {
      const given = containers(stage).flatMap(({ part, container }) =>
        (container.secrets ?? []).map((secret) => ({ part, ...secret })),
      );
      for (const each of some(given, "secret in a task definition")) {
        const words = each.valueFrom?.split(":") ?? [];
        const arn = words.slice(0, 7).join(":");
        const version = words[9] || undefined;
        const secret = stage.secrets.find((known) => known.arn === arn);
        must(secret !== undefined, "A secret of a task is none of this stage.", each);
        must(
          version === undefined || version === secret.version,
          "A secret of a task is of a version that is not the current one.",
          { ...each, current: secret.version },
        );
      }
      return counted(given.length, "variable");
    },
  },
  {
    says: "worker and steward are wired to the engine without a human",
    look(stage) {
      const wired = Object.entries(stage.definitions).filter(([part]) =>
        /^(steward|fleet-)/.test(part),
      );
      const host = `Engine.${stage.name}.hatchet.sst`;
      const wanted = {
        HATCHET_CLIENT_API_URL: `http://${host}`,
        HATCHET_CLIENT_SERVER_URL: `http://${host}`,
        HATCHET_CLIENT_HOST_PORT: `${host}:7070`,
        HATCHET_CLIENT_TLS_STRATEGY: "none",
        STORE: stage.outputs.store,
        STAGE: stage.name,
      };
      for (const [part, definition] of wired) {
        const [container] = definition.containerDefinitions ?? [];
        const found = Object.fromEntries(
          (container?.environment ?? []).map(({ name, value }) => [name, value]),
        );
        for (const [name, value] of Object.entries(wanted))
          must(found[name] === value, `${name} of ${part} should be "${value}".`, found);
        const token = container?.secrets?.find(({ name }) => name === "HATCHET_CLIENT_TOKEN");
        must(
          token?.valueFrom?.includes(`:secret:hatchery/${stage.name}/worker-token`) === true,
          `${part} is not given the workers' token.`,
          container?.secrets,
        );
      }
      return counted(some(wired, "worker or steward").length, "task definition");
    },
  },
  {
    says: "every container logs to a group that exists, for as long as asked, without blocking",
    async look(stage) {
      const groups = await logGroups(`/hatchery/${stage.name}/`);
      const days = stage.settings.LOG_RETENTION_DAYS;
      for (const { part, container } of containers(stage)) {
        const { logDriver, options = {} } = container.logConfiguration ?? {};
        const group = groups.find(({ logGroupName }) => logGroupName === options["awslogs-group"]);
        must(
          logDriver === "awslogs" &&
            options["mode"] === "non-blocking" &&
            options["awslogs-region"] === stage.account.region,
          `Container "${container.name}" of ${part} does not log as it should.`,
          container.logConfiguration,
        );
        must(group?.retentionInDays === days, `A log group should keep ${days} days.`, {
          group,
          asked: options,
        });
      }
      return counted(groups.length, "log group");
    },
  },
  {
    says: "the workers' root is read-only, and what they write is on a volume of their own",
    look(stage) {
      const workers = containers(stage).filter(({ part }) => part.startsWith("fleet-"));
      for (const { container } of some(workers, "worker's container"))
        must(
          container.readonlyRootFilesystem === true &&
            container.mountPoints?.[0]?.containerPath === "/tmp" &&
            container.linuxParameters?.initProcessEnabled === true,
          "A worker's container is not as it should be.",
          container,
        );
      return counted(workers.length, "container");
    },
  },
  {
    says: "each task's roles serve ECS of this account alone, and none may do everything",
    async look(stage) {
      let statements = 0;
      for (const [part, definition] of Object.entries(stage.definitions))
        for (const role of rolesOf(definition, part))
          statements += await checkRole(role, stage.account.accountId);
      return counted(statements, "statement");
    },
  },
];

function rolesOf({ executionRoleArn, taskRoleArn }: TaskDefinition, part: string): string[] {
  const roles = [executionRoleArn, taskRoleArn].map((arn) => arn?.split("/").at(-1) ?? "");
  must(roles.every(Boolean), `The task of ${part} has not its two roles.`, roles);
  return roles;
}

interface Policy {
  readonly Statement: readonly {
    readonly Action: string | readonly string[];
    readonly Resource?: string | readonly string[];
    readonly Condition?: Record<string, Record<string, unknown>>;
  }[];
}

/** For these AWS knows no resource. */
const withoutResource =
  /^(ecr:GetAuthorizationToken|ssmmessages:(Create|Open)(Control|Data)Channel)$/;

/** How many statements it has. */
async function checkRole(RoleName: string, accountId: string): Promise<number> {
  const client = new IAMClient({});
  const { Role } = await client.send(new GetRoleCommand({ RoleName }));
  const trust = decoded(Role?.AssumeRolePolicyDocument);
  must(
    trust.Statement.every(
      ({ Condition }) => Condition?.["StringEquals"]?.["aws:SourceAccount"] === accountId,
    ),
    `The role ${RoleName} can be taken on for another account.`,
    trust,
  );
  const names = await all(paginateListRolePolicies({ client }, { RoleName }), (p) => p.PolicyNames);
  let statements = 0;
  for (const PolicyName of names) {
    const found = await client.send(new GetRolePolicyCommand({ RoleName, PolicyName }));
    for (const statement of decoded(found.PolicyDocument).Statement) {
      const actions = [statement.Action].flat();
      const isWide = [statement.Resource ?? []].flat().includes("*");
      must(
        actions.every((action) => !action.includes("*")) &&
          (!isWide || actions.every((action) => withoutResource.test(action))),
        `The role ${RoleName} may do more than it should.`,
        statement,
      );
      statements += 1;
    }
  }
  return statements;
}

const decoded = (document = "") => JSON.parse(decodeURIComponent(document)) as Policy;

async function logGroups(logGroupNamePrefix: string): Promise<LogGroup[]> {
  const { logGroups: found = [] } = await new CloudWatchLogsClient({}).send(
    new DescribeLogGroupsCommand({ logGroupNamePrefix }),
  );
  return found;
}
