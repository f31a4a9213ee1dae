/** What a model throws when it knows more about a failure than that it threw. */
import { UserError, exitCodes } from "@hatchery/config";
import type { FailureCause } from "./rows.ts";

/** This simulation has failed, with this cause; the ones after it go on. */
export class SimulationFailed extends Error {
  override readonly name = "SimulationFailed";
  readonly failureCause: FailureCause;

  constructor(failureCause: FailureCause, message: string) {
    super(message);
    this.failureCause = failureCause;
  }
}

/** The model cannot work on this machine at all: its chunk fails at once, and no simulation is blamed. */
export class UnableError extends UserError {
  constructor(message: string, hint?: string) {
    super(message, { ...(hint !== undefined && { hint }), exitCode: exitCodes.wrongSettings });
  }
}
