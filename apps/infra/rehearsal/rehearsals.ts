/** The settings of a rehearsal, and what stands for what an emulated account cannot have. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  CreateHostedZoneCommand,
  ListHostedZonesByNameCommand,
  Route53Client,
} from "@aws-sdk/client-route-53";
import { engineImageNames, engineImageRepository, settingNames } from "@hatchery/config";
import { parse } from "dotenv";

export const rehearsals = {
  small: "small.env",
  seed: "seed.env",
  private: "private.env",
  interrupted: "small.env",
} as const;
export type Rehearsal = keyof typeof rehearsals;
export const rehearsalNames = Object.keys(rehearsals) as Rehearsal[];

export const stageOf = (rehearsal: Rehearsal) => `rehearsal-${rehearsal}`;

const written = (rehearsal: Rehearsal) =>
  parse(readFileSync(join(import.meta.dirname, rehearsals[rehearsal]), "utf8"));

/** As for any stage: the shell wins over the file. */
export function realEnvironment(rehearsal: Rehearsal): NodeJS.ProcessEnv {
  return { ...written(rehearsal), ...process.env };
}

/** The file's settings and no other: those of the shell and of .env are somebody's own. */
export function emulatedEnvironment(rehearsal: Rehearsal): NodeJS.ProcessEnv {
  const unset = settingNames.filter((name) => name !== "AWS_REGION").map((name) => [name, ""]);
  return {
    ...process.env,
    ...(Object.fromEntries(unset) as Record<string, string>),
    AWS_PROFILE: undefined,
    // No registry is asked and nothing is built: whether an image is there shows when a task starts, and none does.
    ENGINE_IMAGES: JSON.stringify(
      Object.fromEntries(
        engineImageNames.map((name) => [name, withDigest(engineImageRepository(name))]),
      ),
    ),
    WORKER_IMAGE: withDigest("registry.example.com/hatchery"),
    ...written(rehearsal),
  };
}

const withDigest = (image: string) =>
  `${image}@sha256:${createHash("sha256").update(image).digest("hex")}`;

/** A domain is somebody's before a stage can be below it. */
export async function ownDomain(domain: string): Promise<void> {
  const client = new Route53Client({});
  const { HostedZones = [] } = await client.send(
    new ListHostedZonesByNameCommand({ DNSName: domain }),
  );
  if (HostedZones.some(({ Name }) => Name === `${domain}.`)) return;
  await client.send(
    new CreateHostedZoneCommand({ Name: domain, CallerReference: `rehearsal-${Date.now()}` }),
  );
}
