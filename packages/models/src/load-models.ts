/** Which models there are: the ones of this package, or of the module that MODELS_MODULE names. */
import { isAbsolute } from "node:path";
import { pathToFileURL } from "node:url";
import { UserError, exitCodes } from "@hatchery/config";
import type { Model } from "@hatchery/experiment";

export type Models = Readonly<Record<string, Model>>;

/** Models by name. Throws a UserError when the module does not load or exports no `models`. */
export async function loadModels(module: string | undefined): Promise<Models> {
  if (module === undefined) return (await import("./index.ts")).models;
  const where = isAbsolute(module) ? pathToFileURL(module).href : module;
  try {
    const { models } = (await import(where)) as { models?: Models };
    if (models === undefined) throw new Error("it exports no `models`.");
    return models;
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
