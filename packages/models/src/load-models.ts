/** Which models and studies there are: those of this package, or of the module that MODELS_MODULE names. */
import { isAbsolute } from "node:path";
import { pathToFileURL } from "node:url";
import { UserError, exitCodes } from "@hatchery/config";
import type { Model, Study } from "@hatchery/experiment";

export type Models = Readonly<Record<string, Model>>;
export type Studies = Readonly<Record<string, Study>>;

/** Models by name. Throws a UserError when the module does not load or exports no `models`. */
export async function loadModels(module: string | undefined): Promise<Models> {
  return (await load(module)).models;
}

/** Studies by name; none where the module exports no `studies`. Throws a UserError when it does not load. */
export async function loadStudies(module: string | undefined): Promise<Studies> {
  return (await load(module)).studies ?? {};
}

async function load(module: string | undefined): Promise<{ models: Models; studies?: Studies }> {
  if (module === undefined) return import("./index.ts");
  const where = isAbsolute(module) ? pathToFileURL(module).href : module;
  try {
    const { models, studies } = (await import(where)) as { models?: Models; studies?: Studies };
    if (models === undefined) throw new Error("it exports no `models`.");
    return { models, ...(studies !== undefined && { studies }) };
  } catch (error) {
    throw new UserError(
      `MODELS_MODULE="${module}" does not load: ${error instanceof Error ? error.message : String(error)}`,
      {
        hint: "Name a module that exports `models`, a record of models by name.",
        exitCode: exitCodes.wrongSettings,
        cause: error,
      },
    );
  }
}
