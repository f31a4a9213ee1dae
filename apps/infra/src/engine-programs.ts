/** The engine's programs and ours that ready them, as packages/config lists them, made containers of a task. */
import {
  type Container as Program,
  type StageSecret,
  addresses,
  engineEnvironment,
  enginePorts,
  sharedFolder,
} from "@hatchery/config";
import { broker } from "./broker.ts";
import { database } from "./database.ts";
import { engineImage, ownImage } from "./images.ts";
import { type SecretPlace, adminPassword, engineKeys, workerToken } from "./secrets.ts";
import { settings, stage } from "./settings.ts";
import type { Container } from "./task.ts";

export const engineAddresses = addresses(stage, settings);

export const engine = engineEnvironment({
  addresses: engineAddresses,
  ports: enginePorts,
  broker: broker === undefined ? "none" : "rabbitmq",
  place: "aws",
  settings,
});

export const places: Readonly<Partial<Record<StageSecret, SecretPlace>>> = {
  "database-url": database.url,
  ...(broker && { "broker-url": broker.url }),
  "admin-password": adminPassword,
  "engine-keys": engineKeys,
  "worker-token": workerToken,
};

function placeOf(secret: StageSecret): SecretPlace {
  const place = places[secret];
  if (place === undefined) throw new Error(`This stage has no secret "${secret}".`);
  return place;
}

/** The volume of a task by which its containers hand files to each other. */
export const sharedVolume = "shared";

export function containerOf(program: Program): Container {
  const { name, command, user, environment, essential } = program;
  return {
    name,
    image: program.image === "worker" ? ownImage : engineImage[program.image],
    // In place of the image's own start, which may be a shell that keeps SIGTERM to itself.
    ...(command !== undefined && { entryPoint: command.slice(0, 1), command: command.slice(1) }),
    ...(user !== undefined && { user }),
    environment,
    secrets: Object.fromEntries(
      Object.entries(program.secrets).map(([variable, { secret, field }]) => [
        variable,
        { place: placeOf(secret), field },
      ]),
    ),
    after: Object.fromEntries(program.after.map((other) => [other, "SUCCESS" as const])),
    essential,
    mounts: [{ volume: sharedVolume, path: sharedFolder, isReadOnly: program.shared === "read" }],
  };
}
