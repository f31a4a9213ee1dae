/** Experiments of a store, as a person names them: in full, by id, by the start of an id, by name, or "latest". */
import { UserError, exitCodes } from "@hatchery/config";
import {
  experimentsPrefix,
  experimentKeys,
  readJson,
  readManifest,
  readProgress,
  type Manifest,
  type Progress,
  type Store,
} from "@hatchery/experiment";
import { Summary } from "@hatchery/experiment/results";

/** All experiments, newest first. */
export async function listExperiments(store: Store): Promise<string[]> {
  const found: string[] = [];
  const names = await store.names(experimentsPrefix);
  const ids = await ofEach(names, (name) => store.names(`${experimentsPrefix}${name}/`));
  for (const [k, name] of names.entries()) found.push(...ids[k]!.map((id) => `${name}/${id}`));
  return found.toSorted((a, b) => (idOf(a) < idOf(b) ? 1 : -1));
}

/** Requests to a bucket under way at a time. */
const readAtATime = 16;

/** Something of each experiment, in order. */
export async function ofEach<T>(
  experiments: readonly string[],
  read: (experiment: string) => Promise<T>,
): Promise<T[]> {
  const found: T[] = [];
  for (let from = 0; from < experiments.length; from += readAtATime)
    found.push(...(await Promise.all(experiments.slice(from, from + readAtATime).map(read))));
  return found;
}

const idOf = (experiment: string) => experiment.slice(experiment.indexOf("/") + 1);

/** The experiment that is meant; throws a UserError when there is none or more than one. */
export async function findExperiment(store: Store, reference = "latest"): Promise<string> {
  const all = await listExperiments(store);
  if (all.length === 0)
    throw new UserError(`The store "${store.address}" holds no experiment yet.`, {
      hint: "Run one:  pnpm hatchery run building-energy --simulations 1000",
      exitCode: exitCodes.wrongUsage,
    });
  if (reference === "latest") return all[0]!;
  const newestOfName = all.find((experiment) => experiment.startsWith(`${reference}/`));
  if (newestOfName !== undefined) return newestOfName;
  const matches = all.filter(
    (experiment) => experiment.startsWith(reference) || idOf(experiment).startsWith(reference),
  );
  if (matches.length === 1) return matches[0]!;
  throw new UserError(
    matches.length === 0
      ? `There is no experiment "${reference}".`
      : `"${reference}" may be any of ${matches.length} experiments: ${matches.slice(0, 5).join(", ")}.`,
    { hint: "See them all:  pnpm hatchery list", exitCode: exitCodes.wrongUsage },
  );
}

export interface ExperimentState {
  readonly manifest: Manifest;
  readonly progress: Progress | undefined;
  readonly summary: Summary | undefined;
}

export async function readExperiment(store: Store, experiment: string): Promise<ExperimentState> {
  const [manifest, progress, summary] = await Promise.all([
    readManifest(store, experiment),
    readProgress(store, experiment),
    readSummary(store, experiment),
  ]);
  if (manifest === undefined)
    throw new UserError(`The experiment "${experiment}" has no manifest in "${store.address}".`, {
      hint: "It was never submitted, or its folder was changed by hand. See:  pnpm hatchery list",
    });
  return { manifest, progress, summary };
}

export function readSummary(store: Store, experiment: string): Promise<Summary | undefined> {
  return readJson(store, experimentKeys(experiment).summary, (value) => Summary.parse(value));
}
