/** Which models and studies there are: those of this package, or of the module that MODELS_MODULE names. */
import { dirname, isAbsolute, relative, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
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

interface Loaded {
  readonly models: Models;
  readonly studies?: Studies;
}

const thisFile = fileURLToPath(import.meta.url);
const ownModule = fileURLToPath(new URL("./index.ts", import.meta.url));

async function load(module: string | undefined): Promise<Loaded> {
  try {
    return await (module === undefined ? import("./index.ts") : importNamed(module));
  } catch (error) {
    // What defineModel and its like find wrong is said already.
    if (error instanceof UserError) throw error;
    throw doesNotLoad(module ?? ownModule, error);
  }
}

async function importNamed(module: string): Promise<Loaded> {
  const where = isAbsolute(module) ? pathToFileURL(module).href : module;
  const { models, studies } = await (import(where) as Promise<Partial<Loaded>>).catch((error) => {
    throw isImportedHere(error) ? wrongSetting(module, error.message, error) : error;
  });
  if (models === undefined) throw wrongSetting(module, "it exports no `models`.");
  return { models, ...(studies !== undefined && { studies }) };
}

/** The module itself is not there, and not one that it imports. */
const isImportedHere = (error: unknown): error is Error =>
  error instanceof Error && importer(error) === thisFile;

function wrongSetting(module: string, message: string, cause?: Error): UserError {
  return new UserError(`MODELS_MODULE="${module}" does not load: ${message}`, {
    hint: "Name a module that exports `models`, a record of models by name.",
    exitCode: exitCodes.wrongSettings,
    cause,
  });
}

/** A mistake in the user's code, said with its place: what is thrown while that loads is no bug of Hatchery. */
function doesNotLoad(module: string, error: unknown): UserError {
  const place = (error instanceof Error && (placeInStack(error) ?? importer(error))) || module;
  const message = error instanceof Error ? error.message : String(error);
  return new UserError(`${shortPath(place)} does not load: ${message}`, {
    hint:
      error instanceof ReferenceError
        ? 'Import what is not defined at the top of the file, such as: import { defineModel } from "@hatchery/experiment";'
        : "Mend it there; for the models of this repository `pnpm typecheck` names all such mistakes.",
    exitCode: exitCodes.wrongUsage,
    cause: error,
  });
}

/** Who asked for a module that is not there: Node names it in the message alone. */
const importer = ({ message }: Error) => / imported from (.+)$/.exec(message)?.[1];

/** A line of a stack that ends in a file, its line and perhaps its column; wrong syntax is in the first of them. */
const inStack = /(?:^|\(|at (?:async )?)((?:file:\/\/)?\/.+?):(\d+)(?::\d+)?\)?$/gm;

/** File and line of the innermost code that is the user's. */
function placeInStack({ stack = "" }: Error): string | undefined {
  const experiment = dirname(fileURLToPath(import.meta.resolve("@hatchery/experiment")));
  for (const [, name = "", line] of stack.matchAll(inStack)) {
    const file = name.startsWith("file:") ? fileURLToPath(name) : name;
    // From here on it is who asked for the models.
    if (file === thisFile) return undefined;
    if (!file.includes(`${sep}node_modules${sep}`) && dirname(file) !== experiment)
      return `${file}:${line}`;
  }
  return undefined;
}

function shortPath(path: string): string {
  const fromHere = isAbsolute(path) ? relative(process.cwd(), path) : path;
  return fromHere.length < path.length ? fromHere : path;
}
