/** The images of all tasks, each by digest. */
import { join } from "node:path";
import {
  type EngineImageName,
  engineImageNames,
  engineImages,
  workspaceRoot,
} from "@hatchery/config";
import { network } from "./network.ts";
import { settings, stageName } from "./settings.ts";

export interface StageImage {
  /** With its digest. */
  readonly uri: $util.Input<string>;
  /** The account's own repository that it is in; nothing when it is elsewhere. */
  readonly repository: $util.Input<string> | undefined;
}

const ecr = /^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\/([^@:]+)/;

/** An image that somebody named. */
function named(uri: string): StageImage {
  const [, account, region, name] = ecr.exec(uri) ?? [];
  const repository = account && `arn:aws:ecr:${region}:${account}:repository/${name}`;
  return { uri, repository };
}

const platform = settings.WORKER_ARCHITECTURE === "arm64" ? "linux/arm64" : "linux/amd64";
let made: { repository: aws.ecr.Repository; registry: ReturnType<typeof login> } | undefined;

/** The stage's own repository, made when the first image is to be put into it. */
function own() {
  if (made) return made;
  const repository = new aws.ecr.Repository("Images", {
    name: stageName,
    forceDelete: true,
    imageTagMutability: "MUTABLE",
    imageScanningConfiguration: { scanOnPush: true },
  });
  made = { repository, registry: login(repository) };
  return made;
}

function login(repository: aws.ecr.Repository) {
  const token = aws.ecr.getAuthorizationTokenOutput({ registryId: repository.registryId });
  return {
    address: token.proxyEndpoint,
    username: token.userName,
    password: $util.secret(token.password),
  };
}

/** Builds an image, or copies one into the stage's own repository. */
function pushed(
  name: string,
  source: { dockerfile: dockerbuild.types.input.DockerfileArgs; context?: string },
): StageImage {
  const { repository, registry } = own();
  const image = new dockerbuild.Image(`${name.charAt(0).toUpperCase()}${name.slice(1)}Image`, {
    tags: [$interpolate`${repository.repositoryUrl}:${name}`],
    dockerfile: source.dockerfile,
    ...(source.context !== undefined && { context: { location: source.context } }),
    platforms: [platform],
    registries: [registry],
    push: true,
  });
  return {
    uri: $interpolate`${repository.repositoryUrl}@${image.digest}`,
    repository: repository.arn,
  };
}

function copied(name: string, uri: string): StageImage {
  const image = named(uri);
  // Where there is no way to the internet every image has to be in the account.
  if (network.mode !== "endpoints" || image.repository !== undefined) return image;
  return pushed(name, { dockerfile: { inline: `FROM ${uri}\n` } });
}

const root = workspaceRoot();

/** Of worker, steward and the setup job's own programs. */
export const ownImage =
  settings.WORKER_IMAGE === undefined
    ? pushed("hatchery", {
        dockerfile: { location: join(root, "apps/worker/Dockerfile") },
        context: root,
      })
    : copied("hatchery", settings.WORKER_IMAGE);

const official = engineImages(settings);

export const engineImage = Object.fromEntries(
  engineImageNames.map((name) => [name, copied(name, official[name])]),
) as Record<EngineImageName, StageImage>;
