/** One attempt at one simulation: parameters in, results or a failure out. */
import { createHash } from "node:crypto";
import type { z } from "zod";
import type { Value } from "./columns.ts";
import { SimulationFailed, UnableError } from "./failures.ts";
import type { Model, SimulationContext } from "./model.ts";
import { filesCell, filesColumn, type ReturnedFile, type ReturnedFiles } from "./returned-files.ts";
import type { Failure, FailureCause } from "./rows.ts";

export type Attempt =
  | {
      readonly results: Record<string, Value>;
      readonly failure?: undefined;
      /** There for a model that may return files. */
      readonly files?: readonly ReturnedFile[];
    }
  | { readonly failure: Failure; readonly results?: undefined; readonly files?: undefined };

/** What an attempt needs: a model that declares no inputs and no files does without both. */
export type AttemptContext = Omit<SimulationContext, "inputs" | "files"> &
  Partial<Pick<SimulationContext, "inputs">> & {
    readonly files?: ReturnedFiles;
    /** The parameters are a computed design's, which lays out what a plain schema takes. */
    readonly isLaidOut?: boolean;
  };

/**
 * Synchronous when the model is: a promise per simulation would cost more than a quick model does.
 * Never throws for what the model or its schemas do, but for an UnableError: then no simulation of it can work here.
 */
export function attemptSimulation(
  model: Model,
  parameters: Record<string, Value>,
  context: AttemptContext,
): Attempt | Promise<Attempt> {
  try {
    let given: Record<string, Value>;
    // A copy, as parsing makes one: what the model does with it is not what is stored.
    if (context.isLaidOut === true && model.hasPlainParameters) given = { ...parameters };
    else {
      const checked = model.parameters.safeParse(parameters);
      if (!checked.success) return { failure: schemaFailure("invalid parameters", checked.error) };
      given = checked.data as Record<string, Value>;
    }
    const results = model.simulate(given, context as SimulationContext);
    return results instanceof Promise
      ? results.then((settled) => checkResults(model, settled, context.files)).catch(threw)
      : checkResults(model, results, context.files);
  } catch (error) {
    return threw(error);
  }
}

function checkResults(model: Model, results: unknown, files: ReturnedFiles | undefined): Attempt {
  const checked = model.results.safeParse(results);
  if (!checked.success) return { failure: schemaFailure("invalid results", checked.error) };
  const values = checked.data as Record<string, Value>;
  return model.limits.files === undefined || files === undefined
    ? { results: values }
    : withFiles(values, files);
}

function withFiles(results: Record<string, Value>, files: ReturnedFiles): Attempt {
  const taken = files.take();
  return { results: { ...results, [filesColumn.name]: filesCell(taken) }, files: taken };
}

function threw(error: unknown): Attempt {
  if (error instanceof UnableError) throw error;
  if (error instanceof SimulationFailed)
    return { failure: createFailure(error.failureCause, error.message) };
  return { failure: createFailure("threw", textOf(error)) };
}

function textOf(error: unknown): string {
  try {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  } catch {
    // Anything can be thrown, even an object without a prototype.
    return "It threw what has no text.";
  }
}

function schemaFailure(cause: FailureCause, error: z.ZodError): Failure {
  const issues = error.issues.map(
    ({ path, message }) => `${path.join(".") || "result"}: ${message}`,
  );
  return createFailure(cause, issues.join("; "));
}

/** Longer messages hold dumps; 1,000 characters say what went wrong. */
const longestMessage = 1_000;

export function createFailure(cause: FailureCause, text: string): Failure {
  const message = text.slice(0, longestMessage);
  // Numbers, and paths with them, differ between failures of one kind.
  const kind = message.replaceAll(/\d+(\.\d+)?(e[+-]?\d+)?/gi, "#");
  const fingerprint = createHash("sha256").update(`${cause}\n${kind}`).digest("hex").slice(0, 8);
  return { cause, fingerprint, message };
}
