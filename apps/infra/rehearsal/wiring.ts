/** A rehearsal's task definitions, run on this machine by the wiring test: a real database, engine, steward and worker. */
import { join } from "node:path";
import { exitCodes, workspaceRoot } from "@hatchery/config";
import { say } from "../src/program.ts";
import { CheckFailed } from "./check.ts";
import type { Rehearsal } from "./rehearsals.ts";
import { type Step, Steps, mustEnd, runLogged } from "./steps.ts";
import { definitionsFile, logFile } from "./toolchain.ts";

const test = "apps/infra/test/wiring.test.ts";

export async function wiring(rehearsal: Rehearsal): Promise<Step> {
  const steps = new Steps();
  const log = logFile(rehearsal);
  const vitest = join(workspaceRoot(), "node_modules/.bin/vitest");
  const environment = { ...process.env, HATCHERY_TASK_DEFINITIONS: definitionsFile(rehearsal) };
  try {
    await steps.run("its tasks, run on this machine", async () => {
      const command = [vitest, "run", "--root", workspaceRoot(), "--project", "stage", test];
      mustEnd(await runLogged(command, { log, environment }), { code: exitCodes.ok });
      return "setup job, engine, steward and worker compute an experiment";
    });
  } catch (error) {
    if (!(error instanceof CheckFailed)) throw error;
    say(`\n${error.message}\n\nAll that was said: ${log}`);
  }
  return steps.done[0]!;
}
