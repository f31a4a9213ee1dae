/** SST's own command line, run on this package's app. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { UserError, exitCodes } from "@hatchery/config";
import { infraFolder } from "./program.ts";

type SstCommand = "deploy" | "diff" | "remove" | "unlock";

/** Runs `sst <command>` with its output where ours goes; answers its exit code. */
export async function sst(
  command: SstCommand,
  stage: string,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<number> {
  // Ctrl-C goes to the whole group: SST then finishes what is under way, and we wait for it.
  const ignore = () => undefined;
  process.on("SIGINT", ignore);
  try {
    const child = spawn("sst", [command, "--stage", stage], {
      cwd: infraFolder,
      stdio: ["inherit", "inherit", "inherit"],
      // Bun is not part of this workspace: SST's own packages come by npm.
      env: { SST_NO_BUN: "1", SST_TELEMETRY_DISABLED: "1", ...environment, SST_STAGE: stage },
    });
    const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
    return code ?? (signal === "SIGINT" ? exitCodes.interrupted : exitCodes.workFailed);
  } catch (error) {
    if ((error as { code?: string }).code !== "ENOENT") throw error;
    throw new UserError('SST\'s command line "sst" was not found.', {
      hint: "Run this by pnpm, inside the checkout:  SST_STAGE=mystage pnpm deploy --filter infra",
      exitCode: exitCodes.wrongUsage,
      cause: error,
    });
  } finally {
    process.off("SIGINT", ignore);
  }
}
