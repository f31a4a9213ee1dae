/** Manifest: what an experiment is. Written once before its first task exists, and never edited. */
import { z } from "zod";
import { ObjectSchema, columnsOf, type Column } from "./columns.ts";
import { DesignSettings } from "./design.ts";
import { InputFile } from "./input-files.ts";
import { experimentKeys } from "./layout.ts";
import { Limits } from "./model.ts";
import { PlanSettings } from "./plan.ts";
import { filesColumn } from "./returned-files.ts";
import { readJson, type Store } from "./store.ts";
import { StepOfStudy } from "./study.ts";

export const Manifest = z.object({
  format: z.literal(1),
  /** <name>/<id> */
  experiment: z.string(),
  model: z.string(),
  modelDescription: z.string().optional(),
  stage: z.string(),
  createdAt: z.string(),
  study: StepOfStudy.optional(),
  seed: z.int().min(0),
  design: DesignSettings,
  /** N: simulations of the whole experiment, numbered 0 to N − 1. */
  total: z.int().min(1),
  plan: PlanSettings,
  limits: Limits,
  /** What the model asks of its fleet; the stage that computes it has its own fleets. */
  fleet: z.string().optional(),
  needs: z.record(z.string(), z.string()).optional(),
  /** Files that its model was given, by the name of the input. */
  inputs: z.record(z.string(), InputFile).optional(),
  parameterSchema: ObjectSchema,
  resultSchema: ObjectSchema,
  /** What computed it, as far as it can be told: for `diff` and for a reader in a year. */
  code: z.object({
    commit: z.string().optional(),
    dirty: z.boolean().optional(),
    /** SHA-256 over the model's own files. A worker computes nothing with another. */
    source: z.string().optional(),
    /** The workers' image with its digest, where they run in one that is named. */
    image: z.string().optional(),
  }),
  /** The stage's settings that say on what it is computed, and SHA-256 over them. */
  settings: z.object({ sha256: z.string(), values: z.record(z.string(), z.json()) }).optional(),
  versions: z.object({
    hatchery: z.string(),
    engine: z.string(),
    sdk: z.string(),
    node: z.string(),
  }),
});
export type Manifest = z.infer<typeof Manifest>;

export function readManifest(store: Store, experiment: string): Promise<Manifest | undefined> {
  return readJson(store, experimentKeys(experiment).manifest, (value) => Manifest.parse(value));
}

export interface ExperimentColumns {
  readonly parameters: readonly Column[];
  readonly results: readonly Column[];
}

export function manifestColumns(manifest: Manifest): ExperimentColumns {
  const results = columnsOf(manifest.resultSchema, "Result");
  return {
    parameters: columnsOf(manifest.parameterSchema, "Parameter"),
    results: manifest.limits.files === undefined ? results : [...results, filesColumn],
  };
}
