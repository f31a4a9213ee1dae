/** One attempt at one simulation: parameters in, results or a failure out. */
import { createHash } from "node:crypto";
import type { z } from "zod";
import type { Value } from "./columns.ts";
import { SimulationFailed, UnableError } from "./failures.ts";
import type { Model, SimulationContext } from "./model.ts";
import type { Failure, FailureCause } from "./rows.ts";

export type Attempt =
  | { readonly results: Record<string, Value>; readonly failure?: undefined }
  | { readonly failure: Failure; readonly results?: undefined };

/**
 * Synchronous when the model is: a promise per simulation would cost more than a quick model does.
 * Never throws for what the model does, but for an UnableError: then no simulation of it can work here.
 */
export function attemptSimulation(
  model: Model,
  parameters: Record<string, Value>,
  context: SimulationContext,
): Attempt | Promise<Attempt> {
  const checked = model.parameters.safeParse(parameters);
  if (!checked.success) return { failure: schemaFailure("invalid parameters", checked.error) };
  try {
    const results = model.simulate(checked.data, context);
    return results instanceof Promise
      ? results.then((settled) => checkResults(model, settled), threw)
      : checkResults(model, results);
  } catch (error) {
    return threw(error);
  }
}

function checkResults(model: Model, results: unknown): Attempt {
  const checked = model.results.safeParse(results);
  return checked.success
    ? { results: checked.data as Record<string, Value> }
    : { failure: schemaFailure("invalid results", checked.error) };
}

function threw(error: unknown): Attempt {
  if (error instanceof UnableError) throw error;
  if (error instanceof SimulationFailed)
    return { failure: createFailure(error.failureCause, error.message) };
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return { failure: createFailure("threw", text) };
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
