/** Run by the deploy, between database and engine: the setup job, from its start to its end. */
import { UserError, readEnv } from "@hatchery/config";
import { SetupTask, runSetupTask } from "./setup-task.ts";

const startedAt = Date.now();
try {
  await runSetupTask(readEnv(SetupTask, process.env, "setup job"));
  process.stdout.write(`Setup job done in ${Math.round((Date.now() - startedAt) / 1_000)} s.\n`);
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  process.stderr.write(`${error.message}\n${error.hint === undefined ? "" : `\n${error.hint}\n`}`);
  // Pulumi knows success and failure; the one code for the latter is "the work failed".
  process.exitCode = 1;
}
