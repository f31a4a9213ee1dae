/** Clusters, services, tasks, task definitions, image repositories. */
import {
  ECRClient,
  paginateDescribeImages,
  paginateDescribeRepositories,
} from "@aws-sdk/client-ecr";
import {
  DescribeClustersCommand,
  DescribeServicesCommand,
  DescribeTaskDefinitionCommand,
  ECSClient,
  type Service,
  paginateListClusters,
  paginateListServices,
  paginateListTaskDefinitions,
} from "@aws-sdk/client-ecs";
import { hoursPerMonth, prices } from "@hatchery/config";
import { type Leftover, type Scope, all } from "./scope.ts";

export async function leftInEcs(scope: Scope): Promise<Leftover[]> {
  const client = new ECSClient({});
  const arns = await all(paginateListClusters({ client }, {}), (page) => page.clusterArns);
  const left: Leftover[] = [];
  for (const arn of arns) {
    const { clusters = [] } = await client.send(
      new DescribeClustersCommand({ clusters: [arn], include: ["TAGS"] }),
    );
    const [cluster] = clusters;
    const name = cluster?.clusterName ?? "";
    if (cluster?.status !== "ACTIVE" || !scope.isOurs(name, tagsOf(cluster.tags))) continue;
    left.push({
      kind: "ECS cluster",
      name,
      why: "its services hold it",
      usdPerMonth: 0,
      remove: `ecs delete-cluster --cluster ${name}`,
    });
    left.push(...(await leftServices(client, name)));
  }
  left.push(...(await leftDefinitions(client, scope)));
  return left;
}

async function leftServices(client: ECSClient, cluster: string): Promise<Leftover[]> {
  const arns = await all(paginateListServices({ client }, { cluster }), (page) => page.serviceArns);
  const left: Leftover[] = [];
  for (const arn of arns) {
    const { services = [] } = await client.send(
      new DescribeServicesCommand({ cluster, services: [arn] }),
    );
    for (const service of services.filter((each) => each.status !== "INACTIVE"))
      left.push({
        kind: "ECS service",
        remove: `ecs delete-service --force --cluster ${cluster} --service ${service.serviceName}`,
        name: `${cluster}/${service.serviceName}`,
        why: `${service.runningCount} of ${service.desiredCount} tasks run`,
        usdPerMonth: await servicePrice(client, service),
      });
  }
  return left;
}

/** At what it is asked to run, on demand: Spot costs a third. */
async function servicePrice(client: ECSClient, service: Service): Promise<number | undefined> {
  const tasks = Math.max(service.runningCount ?? 0, service.desiredCount ?? 0);
  if (tasks === 0) return 0;
  const { taskDefinition } = await client.send(
    new DescribeTaskDefinitionCommand({ taskDefinition: service.taskDefinition }),
  );
  const { cpu, memory } = taskDefinition ?? {};
  if (cpu === undefined || memory === undefined) return undefined;
  const { gbHour, vcpuHour } = prices.fargate.amd64.onDemand;
  const hour = (Number(cpu) / 1024) * vcpuHour + (Number(memory) / 1024) * gbHour;
  return tasks * hour * hoursPerMonth;
}

async function leftDefinitions(client: ECSClient, scope: Scope): Promise<Leftover[]> {
  const arns = await all(
    paginateListTaskDefinitions({ client }, { status: "ACTIVE" }),
    (page) => page.taskDefinitionArns,
  );
  return arns
    .map((arn) => arn.split("/").at(-1) ?? "")
    .filter((name) => scope.isOurs(name.replace(/:\d+$/, "")))
    .map((name) => ({
      kind: "task definition",
      remove: `ecs deregister-task-definition --task-definition ${name}`,
      name,
      why: "part of the stage",
      usdPerMonth: 0,
    }));
}

export async function leftImages(scope: Scope): Promise<Leftover[]> {
  const client = new ECRClient({});
  const repositories = await all(
    paginateDescribeRepositories({ client }, {}),
    (page) => page.repositories,
  );
  const left: Leftover[] = [];
  for (const { repositoryName = "" } of repositories) {
    const isBootstrap = repositoryName === "sst-asset";
    if (!isBootstrap && !scope.isOurs(repositoryName)) continue;
    const images = await all(
      paginateDescribeImages({ client }, { repositoryName }),
      (page) => page.imageDetails,
    );
    const bytes = images.reduce((sum, image) => sum + (image.imageSizeInBytes ?? 0), 0);
    left.push({
      kind: "image repository",
      ...(!isBootstrap && {
        remove: `ecr delete-repository --force --repository-name ${repositoryName}`,
      }),
      name: repositoryName,
      why: isBootstrap
        ? "SST's own, for all its apps here"
        : `${images.length} images of the stage`,
      // Layers that images share are stored once, and counted here each time.
      usdPerMonth: (bytes / 1e9) * prices.imageGbMonth,
      isExpected: isBootstrap,
    });
  }
  return left;
}

const tagsOf = (tags: readonly { key?: string | undefined; value?: string | undefined }[] = []) =>
  tags.map(({ key, value }) => ({ Key: key, Value: value }));
