/**
 * An ECS task as processes of this machine: its task definition as AWS answers it, each container's own command with
 * its own environment and secrets, started in the order of `dependsOn`, with a folder for each volume. What cannot be
 * the same here is mapped: addresses to loopback, the images' programs to those built here.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ContainerDefinition, TaskDefinition } from "@aws-sdk/client-ecs";
import { GetSecretValueCommand, type SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { type Running, launch } from "@hatchery/local";

export interface Machine {
  /** A folder for logs and volumes. */
  readonly folder: string;
  /** The engine's programs, in place of the images' /hatchet. */
  readonly engineFolder: string;
  /** The repository, in place of our image's working folder. */
  readonly root: string;
  /** What a container of that name runs that has no command of its own. */
  readonly imageCommands: Readonly<Record<string, readonly string[]>>;
  /** What ECS adds to a container's environment: region and credentials. */
  readonly environment: Readonly<Record<string, string>>;
  /** Text in values, and what stands for it here. */
  readonly addresses: readonly (readonly [string, string])[];
  /** Variables whose whole value is another one here. */
  readonly variables: Readonly<Record<string, string>>;
  readonly secrets: SecretsManagerClient;
}

export interface RunningTask {
  /** How each container ended; "never started" when one that it waits for did not end well. */
  readonly ends: Readonly<Record<string, Promise<string>>>;
  /** Resolves once the container runs. */
  running(container: string): Promise<Running>;
  /** Everything the containers have printed. */
  printed(): string;
  /** As ECS does, or at once. */
  stop(signal?: "SIGKILL"): Promise<void>;
}

const neverStarted = "never started";

export function runTask(definition: TaskDefinition, machine: Machine): RunningTask {
  const folder = mkdtempSync(join(machine.folder, `${definition.family}-`));
  const log = join(folder, "log");
  const starts: Record<string, Promise<Running | undefined>> = {};
  const ends: Record<string, Promise<string>> = {};
  const start = async (container: ContainerDefinition): Promise<Running | undefined> => {
    for (const { containerName, condition } of container.dependsOn ?? []) {
      if (condition !== "SUCCESS") throw new Error(`No way here to wait for ${condition}.`);
      if ((await ends[containerName!]) !== "exit code 0") return undefined;
    }
    return launch({
      name: container.name!,
      command: commandOf(container, folder, machine),
      environment: await environmentOf(container, folder, machine),
      folder: machine.root,
      log,
      signalOnOurDeath: "SIGKILL",
    });
  };
  for (const container of definition.containerDefinitions!) {
    const started = start(container);
    starts[container.name!] = started;
    ends[container.name!] = started.then((process) => process?.exited ?? neverStarted);
  }
  return {
    ends,
    async running(name) {
      const process = await starts[name];
      if (process === undefined)
        throw new Error(`"${name}" ${neverStarted}:\n${readFileSync(log, "utf8")}`);
      return process;
    },
    printed: () => (existsSync(log) ? readFileSync(log, "utf8") : ""),
    async stop(signal) {
      const processes = await Promise.all(Object.values(starts));
      await Promise.all(
        processes.map(async (process) => process?.stop(signal ?? "SIGTERM", signal ? 0 : 20_000)),
      );
    },
  };
}

/** Text with the paths of the volumes as the folders that stand for them. */
function volumesOf(container: ContainerDefinition, folder: string): (text: string) => string {
  const volumes = (container.mountPoints ?? []).map(({ sourceVolume, containerPath }) => {
    const here = join(folder, sourceVolume!);
    mkdirSync(here, { recursive: true });
    // A path, and no part of one.
    return [new RegExp(`(?<=^|=)${containerPath}(?=/|$)`, "g"), here] as const;
  });
  return (text) => volumes.reduce((before, [path, here]) => before.replaceAll(path, here), text);
}

function commandOf(container: ContainerDefinition, folder: string, machine: Machine): string[] {
  const given = [...(container.entryPoint ?? []), ...(container.command ?? [])];
  const command = given.length > 0 ? given : machine.imageCommands[container.name!];
  const mapped = volumesOf(container, folder);
  return command!.map((word) =>
    word === "node"
      ? process.execPath
      : mapped(word.replaceAll("/hatchet/", `${machine.engineFolder}/`)),
  );
}

async function environmentOf(
  container: ContainerDefinition,
  folder: string,
  machine: Machine,
): Promise<Record<string, string>> {
  const inVolumes = volumesOf(container, folder);
  const mapped = (name: string, value: string) =>
    machine.variables[name] ??
    inVolumes(machine.addresses.reduce((text, [from, to]) => text.replaceAll(from, to), value));
  const environment: Record<string, string> = {
    PATH: process.env["PATH"]!,
    HOME: folder,
    ...machine.environment,
  };
  for (const { name, value } of container.environment ?? [])
    environment[name!] = mapped(name!, value!);
  for (const { name, valueFrom } of container.secrets ?? [])
    environment[name!] = mapped(name!, await secretValue(valueFrom!, machine.secrets));
  return environment;
}

/**
 * `<arn>`, or `<arn>:<field>:<stage>:<version>` with empty parts for "all of it" and "the current one". Asked for by its
 * name and as it is now: the six characters at the end of an ARN and the versions are another account's here.
 */
async function secretValue(from: string, secrets: SecretsManagerClient): Promise<string> {
  const [name, field] = from.split(":").slice(6);
  const { SecretString } = await secrets.send(
    new GetSecretValueCommand({ SecretId: name!.replace(/-[A-Za-z0-9]{6}$/, "") }),
  );
  if (!field) return SecretString!;
  const value = (JSON.parse(SecretString!) as Record<string, string>)[field];
  if (value === undefined) throw new Error(`The secret has no field "${field}".`);
  return value;
}
