/** Submit: from what a person asked for to a manifest in the store and a message in the mailbox. */
import { UserError, engineVersion, exitCodes, hatcheryVersion, sdkVersion } from "@hatchery/config";
import {
  Manifest,
  experimentKeys,
  newExperimentId,
  outlineDesign,
  stepExperiment,
  storeInputs,
  type DesignOutline,
  type DesignSettings,
  type Model,
  type PlanSettings,
  type StepOfStudy,
} from "@hatchery/experiment";
import { loadModels } from "@hatchery/models/load-models";
import type { Io } from "./io.ts";
import { provenanceOf } from "./provenance.ts";
import { checkSpace, checkStanding, type Stage } from "./stage.ts";

export interface Request {
  readonly model: Model;
  readonly design: DesignSettings;
  readonly seed: number;
  readonly name: string;
  readonly plan: PlanSettings;
  /** Files for the model's inputs, by their names; the model's own for the others. */
  readonly inputs?: Readonly<Record<string, string>>;
  /** Where it is one step of a series; then it is called after the step. */
  readonly study?: StepOfStudy;
}

export async function findModel(name: string, io: Io): Promise<Model> {
  const models = await loadModels(io.environment["MODELS_MODULE"]);
  const model = models[name];
  if (model !== undefined) return model;
  throw new UserError(
    `There is no model "${name}". There are: ${Object.keys(models).join(", ")}.`,
    {
      hint: "See their parameters:  pnpm hatchery models",
      exitCode: exitCodes.wrongUsage,
    },
  );
}

/** The design with its range checks done; throws a UserError with every problem. */
export function checkDesign({
  model,
  design,
  seed,
}: Pick<Request, "model" | "design" | "seed">): DesignOutline {
  return outlineDesign(model.parameterColumns, design, seed);
}

/** Writes the manifest and posts the experiment; answers its full name. */
export async function submit(request: Request, stage: Stage): Promise<string> {
  const { model, design, seed, plan, study } = request;
  const { total } = checkDesign(request);
  checkStanding(stage);
  const columns = model.parameterColumns.length + model.resultColumns.length;
  // Parts and dataset each hold every value once, about 8 bytes before compression.
  await checkSpace(stage.store, total * (columns + 4) * 8 * 2);
  const inputs = await storeInputs(model.inputs, request.inputs ?? {}, stage.store);
  const now = new Date();
  const experiment =
    study === undefined ? `${request.name}/${newExperimentId(now)}` : stepExperiment(study);
  const manifest: Manifest = {
    format: 1,
    experiment,
    model: model.name,
    ...(model.description !== undefined && { modelDescription: model.description }),
    stage: stage.name,
    createdAt: now.toISOString(),
    ...(study !== undefined && { study }),
    seed,
    design,
    total,
    plan,
    limits: model.limits,
    ...(model.fleet !== undefined && { fleet: model.fleet }),
    ...(model.needs !== undefined && { needs: model.needs }),
    ...(Object.keys(inputs).length > 0 && { inputs }),
    parameterSchema: model.parameterSchema,
    resultSchema: model.resultSchema,
    ...(await provenanceOf(model, stage.name)),
    versions: {
      hatchery: hatcheryVersion,
      engine: engineVersion,
      sdk: sdkVersion,
      node: process.version,
    },
  };
  await stage.store.create(
    experimentKeys(experiment).manifest,
    JSON.stringify(Manifest.parse(manifest), undefined, 2),
  );
  await stage.mailbox.post({ kind: "submit", experiment });
  return experiment;
}
