/** What stopped an experiment before its end, and the command that has it go on. */
import { UserError, exitCodes } from "@hatchery/config";
import type { Progress } from "@hatchery/experiment";

/** Words of the command; a capped experiment needs more money, too. */
export function resumeWords(experiment: string, progress: Progress | undefined): string {
  const { ended, costUsd = 0, maxUsd = 0 } = progress ?? {};
  const cap = ended === "capped" ? ` --max-usd ${doubled(Math.max(costUsd, maxUsd))}` : "";
  return `resume ${experiment}${cap}`;
}

/** No line for one that nothing, or a person, has stopped: that needs no telling. */
export function stoppedLines(progress: Progress | undefined, option: string): string[] {
  if (progress?.reason === undefined) return [];
  const command = `pnpm hatchery ${resumeWords(progress.experiment, progress)}${option}`;
  return [`Held back: ${progress.reason}`, `Let it go on:  ${command}`];
}

/** Why nothing more is computed of what has cost all that it may. `command`: what lets it cost more, before the amount. */
export function spent(what: string, costUsd: number, maxUsd: number, command: string): UserError {
  return new UserError(
    `${what} has cost ${costUsd.toFixed(2)} USD so far, and may cost ${maxUsd} USD in all.`,
    {
      hint: `Let it cost more:  ${command}--max-usd ${doubled(costUsd)}`,
      exitCode: exitCodes.notAllowed,
    },
  );
}

/** A round amount to begin with. */
const doubled = (usd: number) => Number((2 * usd).toPrecision(2));
