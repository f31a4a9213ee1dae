/** Docker, where a deploy has to build or copy an image: asked for before anything stands and costs. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  type StageSettings,
  UserError,
  engineImageNames,
  exitCodes,
  knownEngineImages,
  networkMode,
} from "@hatchery/config";

const isInEcr = (image: string | undefined) => image !== undefined && /\.dkr\.ecr\./.test(image);

/** What Docker has to do for these settings, in words; nothing when every image is where it can stay. */
export function dockerWork(settings: StageSettings): string[] {
  const { WORKER_IMAGE } = settings;
  const work: string[] = [];
  if (WORKER_IMAGE === undefined) work.push("builds the image of worker and steward");
  // Where there is no way to the internet every image has to be in the account: see images.ts.
  if (networkMode(settings) !== "endpoints") return work;
  if (WORKER_IMAGE !== undefined && !isInEcr(WORKER_IMAGE)) work.push("copies WORKER_IMAGE");
  const own = Object.values(knownEngineImages(settings)).filter(isInEcr);
  if (own.length < engineImageNames.length) work.push("copies the engine's images");
  return work;
}

/** Throws when Docker is needed and does not answer. */
export async function checkDocker(stage: string, settings: StageSettings): Promise<void> {
  const work = dockerWork(settings);
  if (work.length === 0 || isElsewhere() || (await answers())) return;
  throw new UserError(`Docker does not answer on this machine, and it ${work.join(" and ")}.`, {
    hint: `Start Docker, and see it answer:  docker version\nOr name images in .env.${stage}, and none is built: docs/aws.md#images`,
    exitCode: exitCodes.wrongSettings,
  });
}

/** An AWS that is not Amazon's keeps no images: none is pushed there. */
const isElsewhere = () => process.env["AWS_ENDPOINT_URL"] !== undefined;

async function answers(): Promise<boolean> {
  try {
    const [code] = (await once(
      spawn("docker", ["version"], { stdio: "ignore", timeout: 20_000 }),
      "exit",
    )) as [number | null];
    return code === 0;
  } catch {
    return false;
  }
}
